import type { Command } from 'commander';
import { yesNo } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { existingApi } from './existing-api.ts';
import { table } from './layout.ts';
import { roleJson } from './role-view.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['NAME', 'API', 'EVERYONE', 'PERMISSIONS'];

export function roleList(cli: Cli): Command {
  return action('list', 'list roles', { examples: ['role list --api https://blog.example.org'] })
    .option('--api <api>', 'those of one API: its identifier or client id')
    .action(({ api: which }: { api?: string }) =>
      withStores(cli, {}, async ({ stores: { clients, roles } }) => {
        const of = which === undefined ? undefined : (await existingApi(clients, which)).id;
        const apis = new Map((await clients.list()).map((client) => [client.id, client]));
        // An API that was deleted just now has taken its roles along.
        const all = (await roles.list(of)).flatMap((role) => {
          const api = apis.get(role.apiId);
          return api ? [[role, api] as const] : [];
        });
        const rows = all.map(([{ name, everyone, permissions }, api]) => {
          return [name, api.audience ?? '', yesNo(everyone), permissions.join(' ')];
        });
        const text = table({ headings: HEADINGS, rows, width: cli.out.width });
        cli.out.result(
          all.length > 0 ? text : 'There are no roles.',
          all.map((each) => roleJson(...each)),
        );
      }),
    );
}
