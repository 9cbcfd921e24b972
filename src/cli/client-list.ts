import type { Command } from 'commander';
import { clientJson } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

export function clientList(cli: Cli): Command {
  return action('list', 'list applications and APIs').action(() =>
    withStores(cli, {}, async ({ stores: { clients } }) => {
      const all = await clients.list();
      const rows = all.map(({ id, name, type, status, registeredBy, createdAt }) => {
        return [id, name, type, status, registeredBy ?? 'an operator', iso(createdAt)];
      });
      const text = table({
        headings: ['ID', 'NAME', 'TYPE', 'STATUS', 'REGISTERED BY', 'CREATED'],
        rows,
        width: cli.out.width,
      });
      const json = await Promise.all(all.map(async (client) => clientJson(client, await clients.secrets(client.id))));
      cli.out.result(all.length > 0 ? text : 'No clients are registered.', json);
    }),
  );
}
