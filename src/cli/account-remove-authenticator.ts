import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure } from './failure.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountRemoveAuthenticator(cli: Cli): Command {
  return action('remove-authenticator', 'remove one authenticator app of somebody, such as one that a stranger added')
    .requiredOption('--email <email>', 'whose: the email, or the id of the account')
    .requiredOption('--id <id>', 'which: its id, as account show has it')
    .option('--yes', 'do not ask')
    .action(async (options: { email: string; id: string; yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id: accountId, email } = await existingAccount(accounts, options.email);
        const known = await accounts.authenticators(accountId);
        const missing = new Failure(`${email} has no authenticator ${options.id}: account show lists those there are`);
        const wanted = known.find(({ id }) => id === options.id);
        if (!wanted) throw missing;
        const last = known.length === 1 ? ' It is the only one: the recovery codes go with it.' : '';
        await confirm(`Remove the authenticator "${wanted.name}" of ${email}?${last}`);
        if (!(await accounts.removeAuthenticator(accountId, wanted.id, BY_OPERATOR))) throw missing;
        const text = `${email} has no authenticator ${wanted.id} any more, and is signed out everywhere.`;
        cli.out.result(text, { id: accountId, email, removed: wanted.id, authenticatorsLeft: known.length - 1 });
      });
    });
}
