import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountResetMfa(cli: Cli): Command {
  return action('reset-mfa', 'remove the second factors and recovery codes of somebody who lost them')
    .argument('<account>', 'its id or email')
    .option('--yes', 'do not ask')
    .action(async (who: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email } = await existingAccount(accounts, who);
        await confirm(`Remove every second factor of ${email}? From then on the password alone identifies them.`);
        await accounts.resetFactors(id, BY_OPERATOR);
        const text = `${email} has no second factor any more and is signed out everywhere.`;
        cli.out.result(text, { id, email, hasSecondFactor: false });
      });
    });
}
