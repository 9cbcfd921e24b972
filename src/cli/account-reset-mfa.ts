import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountResetMfa(cli: Cli): Command {
  return action('reset-mfa', 'remove passkeys, authenticator apps and recovery codes of somebody who lost them')
    .argument('<account>', 'its id or email')
    .option('--yes', 'do not ask')
    .action(async (who: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email, passwordHash } = await existingAccount(accounts, who);
        const then =
          passwordHash === null
            ? 'There is no password: from then on whoever reads their mail sets one, and is in.'
            : 'From then on the password alone identifies them.';
        await confirm(`Remove every passkey and second factor of ${email}? ${then}`);
        await accounts.resetFactors(id, BY_OPERATOR);
        const text = `${email} has no passkey and no second factor any more and is signed out everywhere.`;
        cli.out.result(text, { id, email, hasSecondFactor: false });
      });
    });
}
