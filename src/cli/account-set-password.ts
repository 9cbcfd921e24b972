import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { newPassword } from './new-password.ts';
import { checkPasswordSource } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountSetPassword(cli: Cli): Command {
  return action('set-password', 'give an account another password; signs it out everywhere', {
    notes: [
      'With --must-change it is a temporary one: the next sign-in with it, second factor included, asks for another',
      'before it is done.',
    ].join('\n'),
    examples: ['account set-password ada@example.org --must-change'],
  })
    .argument('<account>', 'its id or email')
    .option('--password-stdin', 'read the password from standard input')
    .option('--must-change', 'the next sign-in asks for a new password')
    .action(async (who: string, options: { passwordStdin?: boolean; mustChange?: boolean }) => {
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
        const { mustChange = false } = options;
        await accounts.setPassword(id, await createPasswords(config.password).hash(password), BY_OPERATOR, mustChange);
        const untilWhen = mustChange ? ', good for one sign-in,' : '';
        cli.out.result(`${email} has a new password${untilWhen} and is signed out everywhere.`, {
          ...{ id, email, passwordSet: true, mustChangePassword: mustChange },
        });
      });
    });
}
