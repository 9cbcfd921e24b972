import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountDelete(cli: Cli): Command {
  return action('delete', 'remove an account for good; its id is never given out again')
    .argument('<account>', 'its id or email')
    .option('--yes', 'do not ask')
    .action(async (who: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email, role } = await existingAccount(accounts, who);
        await confirm(`Delete the account of ${email} (${id}) for good?`);
        await accounts.delete(id, BY_OPERATOR);
        if (role === 'administrator' && !(await accounts.hasAdministrator())) {
          cli.out.warn('no administrator is left: npx gatewright setup-link lets you make one');
        }
        cli.out.result(`Deleted the account of ${email} (${id}).`, { id, email, deleted: true });
      });
    });
}
