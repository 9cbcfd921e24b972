import type { Command } from 'commander';
import { stateOf } from '../api-keys/api-key.ts';
import { apiKeyJson, isoOrNull } from './api-key-view.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { existingApi } from './existing-api.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['ID', 'NAME', 'STATE', 'CLIENT', 'API', 'PERMISSIONS', 'CREATED', 'EXPIRES', 'LAST USED'];

export function apiKeyList(cli: Cli): Command {
  return action('list', 'list keys, also those that work no more', { examples: ['api-key list --client cli_…'] })
    .option('--client <id>', 'those of one client')
    .option('--api <audience>', 'those of one API, by its audience or its client id')
    .action(({ client, api }: { client?: string; api?: string }) =>
      withStores(cli, {}, async ({ stores: { apiKeys, clients } }) => {
        if (client !== undefined) await existingClient(clients, client);
        const apiId = api === undefined ? undefined : (await existingApi(clients, api)).id;
        const keys = await apiKeys.list({ clientId: client, apiId });
        const now = cli.clock();
        const rows = keys.map((key) => [
          ...[key.id, key.name, stateOf(key, now), key.clientId, key.apiId, key.permissions.join(' ')],
          ...[iso(key.createdAt), isoOrNull(key.expiresAt) ?? 'never', isoOrNull(key.lastUsedAt) ?? 'never'],
        ]);
        const text = keys.length > 0 ? table({ headings: HEADINGS, rows, width: cli.out.width }) : 'There are no keys.';
        const json = keys.map((key) => apiKeyJson(key, now));
        cli.out.result(text, json);
      }),
    );
}
