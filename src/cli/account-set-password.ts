import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { newPassword } from './new-password.ts';
import { checkPasswordSource } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountSetPassword(cli: Cli): Command {
  return action('set-password', 'give an account another password; signs it out everywhere')
    .argument('<account>', 'its id or email')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (who: string, options: { passwordStdin?: boolean }) => {
      checkPasswordSource(options);
      await withStores(cli, {}, async (opened) => {
        const {
          config,
          stores: { accounts },
        } = opened;
        const account = await existingAccount(accounts, who);
        const { id, email } = account;
        const password = await newPassword(opened, account);
        const { createPasswords } = await import('../accounts/passwords.ts');
        await accounts.setPassword(id, await createPasswords(config.password).hash(password), BY_OPERATOR);
        cli.out.result(`${email} has a new password and is signed out everywhere.`, { id, email, passwordSet: true });
      });
    });
}
