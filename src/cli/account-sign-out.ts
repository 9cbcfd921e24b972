import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { withStores } from './stores.ts';

export function accountSignOut(cli: Cli): Command {
  return action('sign-out', 'end every session of an account and refuse every token issued for it')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email } = await existingAccount(accounts, who);
        await accounts.signOut(id, BY_OPERATOR);
        cli.out.result(`${email} is signed out everywhere.`, { id, email, signedOut: true });
      }),
    );
}
