import type { Command } from 'commander';
import { apiJson, apiText } from './api-view.ts';
import { action, type Cli } from './command.ts';
import { existingApi } from './existing-api.ts';
import { withStores } from './stores.ts';

export function apiShow(cli: Cli): Command {
  return action('show', 'show one API, its permissions and what it lays down for tokens', {
    examples: ['api show https://blog.example.org'],
  })
    .argument('<api>', 'its identifier or its client id')
    .action((which: string) =>
      withStores(cli, {}, async ({ stores }) => {
        const api = await existingApi(stores.clients, which);
        const [secrets, roles] = [await stores.clients.secrets(api.id), await stores.roles.list(api.id)];
        cli.out.result(apiText(api, secrets, roles, cli.clock()), apiJson(api, secrets, roles));
      }),
    );
}
