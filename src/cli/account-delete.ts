import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY } from '../lib/duration.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountDelete(cli: Cli): Command {
  return action('delete', 'remove an account for good; its id is never given out again')
    .argument('<account>', 'its id or email')
    .option('--grace', 'disable it now, delete it after ACCOUNT_DELETION_GRACE_DAYS, and let its owner keep it by mail')
    .option('--yes', 'do not ask')
    .action(async (who: string, options: { yes?: boolean; grace?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ config, stores: { accounts, deletions } }) => {
        const { id, email, role, deletionDueAt: waiting } = await existingAccount(accounts, who);
        const grace = options.grace ? config.deletionGrace : 0;
        if (grace > 0 && waiting !== null) {
          throw new Failure(
            `${email} is to be deleted already, at ${iso(waiting)}: leave out --grace to delete it now`,
          );
        }
        await confirm(`Delete the account of ${email} (${id}) ${grace > 0 ? `in ${grace / DAY} days` : 'for good'}?`);
        await (grace > 0 ? deletions.order(id, grace, BY_OPERATOR) : accounts.delete(id, BY_OPERATOR));
        if (role === 'administrator' && !(await accounts.hasAdministrator())) {
          cli.out.warn('no administrator is left: npx gatewright setup-link lets you make one');
        }
        const dueAt = (await accounts.find(id))?.deletionDueAt ?? null;
        if (dueAt === null) cli.out.result(`Deleted the account of ${email} (${id}).`, { id, email, deleted: true });
        else {
          const text = `${email} is signed out everywhere and is deleted at ${iso(dueAt)}.`;
          cli.out.result(text, { id, email, deleted: false, deletionDueAt: iso(dueAt) });
        }
      });
    });
}
