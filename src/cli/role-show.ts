import type { Command } from 'commander';
import { action, type Cli } from './command.ts';
import { existingRole } from './existing-role.ts';
import { holdersOf, roleJson, roleText } from './role-view.ts';
import { withStores } from './stores.ts';

export function roleShow(cli: Cli): Command {
  return action('show', 'show one role and who holds it', {
    examples: ['role show --api https://blog.example.org editor'],
  })
    .requiredOption('--api <api>', 'its identifier or client id, required')
    .argument('<role>', 'its name')
    .action((name: string, { api: which }: { api: string }) =>
      withStores(cli, {}, async ({ stores }) => {
        const { api, role } = await existingRole(stores, which, name);
        const holders = await holdersOf(stores, role);
        cli.out.result(roleText(role, api, holders), { ...roleJson(role, api), holders });
      }),
    );
}
