import type { Command } from 'commander';
import { existingClient } from './client-checks.ts';
import { clientJson, clientText } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { details } from './layout.ts';
import { heldRoles, heldText } from './role-view.ts';
import { withStores } from './stores.ts';

export function clientShow(cli: Cli): Command {
  return action('show', 'show the settings of one client')
    .argument('<id>', 'its client id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores }) => {
        const { clients } = stores;
        const client = await existingClient(clients, id);
        const secrets = await clients.secrets(id);
        const roles = client.type === 'service' ? await heldRoles(stores, { kind: 'client', id }) : null;
        const held = roles && details([['roles', heldText(roles)]]);
        const text = [clientText(client, secrets, cli.clock()), held].filter(Boolean).join('\n\n');
        cli.out.result(text, { ...clientJson(client, secrets), ...(roles && { roles }) });
      }),
    );
}
