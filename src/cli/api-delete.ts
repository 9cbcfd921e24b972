import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingApi } from './existing-api.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function apiDelete(cli: Cli): Command {
  return action('delete', 'remove an API, its roles and who holds them, and the API keys to it')
    .argument('<api>', 'its identifier or its client id')
    .option('--yes', 'do not ask')
    .action(async (which: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { clients, roles } }) => {
        const { id, name } = await existingApi(clients, which);
        const count = (await roles.list(id)).length;
        await confirm(`Delete the API ${name} (${id}) and its roles (${count}) for good?`);
        await clients.delete(id, BY_OPERATOR);
        cli.out.result(`Deleted ${name} (${id}).`, { id, deleted: true, roles: count });
      });
    });
}
