import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function clientDelete(cli: Cli): Command {
  return action('delete', 'remove a client, its secrets and tokens, and what people allowed it')
    .argument('<id>', 'its client id')
    .option('--yes', 'do not ask')
    .action(async (id: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { clients } }) => {
        const { name, type } = await existingClient(clients, id);
        await confirm(`Delete the ${type} client ${name} (${id}) for good?`);
        await clients.delete(id, BY_OPERATOR);
        cli.out.result(`Deleted ${name} (${id}).`, { id, deleted: true });
      });
    });
}
