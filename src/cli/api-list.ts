import type { Command } from 'commander';
import { apiJson } from './api-view.ts';
import { action, type Cli } from './command.ts';
import { table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['ID', 'AUDIENCE', 'NAME', 'STATUS', 'PERMISSIONS', 'ROLES'];

export function apiList(cli: Cli): Command {
  return action('list', 'list the APIs').action(() =>
    withStores(cli, {}, async ({ stores: { clients, roles } }) => {
      const [all, every] = [await clients.list(), await roles.list()];
      const apis = all.filter(({ type }) => type === 'resource');
      const rolesOf = (id: string) => every.filter(({ apiId }) => apiId === id);
      const rows = apis.map(({ id, audience, name, status, settings }) => {
        return [id, audience ?? '', name, status, String(settings.scopes.length), String(rolesOf(id).length)];
      });
      const text = table({ headings: HEADINGS, rows, width: cli.out.width });
      const json = apis.map(async (api) => apiJson(api, await clients.secrets(api.id), rolesOf(api.id)));
      cli.out.result(apis.length > 0 ? text : 'No APIs are registered.', await Promise.all(json));
    }),
  );
}
