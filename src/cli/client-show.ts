import type { Command } from 'commander';
import { existingClient } from './client-checks.ts';
import { clientJson, clientText } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

export function clientShow(cli: Cli): Command {
  return action('show', 'show the settings of one client')
    .argument('<id>', 'its client id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { clients } }) => {
        const client = await existingClient(clients, id);
        const secrets = await clients.secrets(id);
        cli.out.result(clientText(client, secrets, cli.clock()), clientJson(client, secrets));
      }),
    );
}
