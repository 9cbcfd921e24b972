import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingRole } from './existing-role.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function roleDelete(cli: Cli): Command {
  return action('delete', 'remove a role, from all who hold it too')
    .requiredOption('--api <api>', 'its identifier or client id, required')
    .argument('<role>', 'its name')
    .option('--yes', 'do not ask')
    .action(async (name: string, { api: which, yes = false }: { api: string; yes?: boolean }) => {
      const confirm = confirmation({ yes });
      await withStores(cli, {}, async ({ stores }) => {
        const { api, role } = await existingRole(stores, which, name);
        const holders = (await stores.roles.holders(role.id)).length;
        await confirm(`Delete the role ${name} of ${api.name}, which ${holders} hold, for good?`);
        await stores.roles.delete(role.id, BY_OPERATOR);
        cli.out.result(`Deleted the role ${name} of ${api.name}.`, { id: role.id, name, deleted: true, holders });
      });
    });
}
