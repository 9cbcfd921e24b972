import type { Command } from 'commander';
import { type ApiKey, apiKeyProblems, DEFAULT_LIFETIME } from '../api-keys/api-key.ts';
import type { Client } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { newId } from '../lib/ids.ts';
import { expiresOption, type KeyLifetime } from './api-key-lifetime.ts';
import { apiKeyJson, apiKeyText, keyText } from './api-key-view.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli, collect } from './command.ts';
import { existingApi } from './existing-api.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

const NOTES = `The key acts as its client, at one API. It gives those of its permissions that the client may use there at the
moment it is used. It is the only copy: what is kept is its hash.`;

interface CreateOptions {
  client: string;
  api: string;
  name: string;
  permission: string[];
  expires: KeyLifetime;
}

export function apiKeyCreate(cli: Cli): Command {
  return action('create', 'make a key; prints it, once', {
    notes: NOTES,
    examples: [
      'api-key create --client cli_… --api https://api.example.org --name "Night job" --permission orders:read',
      'api-key create --client cli_… --api https://api.example.org --name Meter --permission "a:read a:write" --expires 90d',
    ],
  })
    .requiredOption('--client <id>', 'the service client that it belongs to, required')
    .requiredOption('--api <audience>', 'the API that it opens, by its audience or its client id, required')
    .requiredOption('--name <name>', 'what you know it by, required')
    .requiredOption('--permission <names>', 'what it allows at the API, separated by spaces; may be repeated', collect)
    .addOption(expiresOption('how long it works: 90d, 12h …, or never').default(DEFAULT_LIFETIME, '365d'))
    .action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, { client, api: named, name, permission, expires }: CreateOptions): Promise<void> {
  const permissions = [...new Set(permission.flatMap((names) => names.split(/\s+/)).filter(Boolean))];

  await withStores(cli, {}, async ({ stores: { clients, apiKeys } }) => {
    const owner = await existingClient(clients, client);
    const api = await existingApi(clients, named);
    const problems = [
      ...(owner.type === 'service' ? [] : [`--client: ${owner.name} is a ${owner.type} client: a key needs a service`]),
      ...apiKeyProblems({ name, permissions }, api.settings.scopes),
    ];
    if (problems.length > 0) throw new Failure('the key cannot be made like this', problems);

    const { issueApiKey } = await import('../api-keys/format.ts');
    const { key, keyHash } = issueApiKey();
    const id = newId('key');
    const expiresAt = expires === 'never' ? null : cli.clock() + toMilliseconds(expires);
    const row = { id, name, clientId: owner.id, apiId: api.id, permissions, expiresAt };
    if (!(await apiKeys.create(row, keyHash, BY_OPERATOR))) {
      throw new Failure('the client or the API has been deleted meanwhile: nothing was made');
    }
    warnOfNothingGiven(cli, owner, api);

    const made = (await apiKeys.find(id)) as ApiKey;
    cli.out.result(
      `Made a key for ${owner.name} at ${api.name}.\n\n${apiKeyText(made, cli.clock())}\n\n${keyText(key)}`,
      {
        ...{ id, key },
        ...apiKeyJson(made, cli.clock()),
      },
    );
  });
}

/** The client may be allowed later, so that this is no mistake yet. */
function warnOfNothingGiven({ out }: Cli, { id, status, settings }: Client, api: Client): void {
  if (!settings.audiences.includes(api.audience ?? '')) {
    out.warn(
      `the key gives nothing yet: npx gatewright client update ${id} --audience ${api.audience} lets its client use that API`,
    );
  }
  if (status !== 'active') out.warn(`the key gives nothing yet: its client is ${status}`);
  if (api.status !== 'active') out.warn(`the key gives nothing yet: its API is ${api.status}`);
}
