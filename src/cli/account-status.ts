import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { withStores } from './stores.ts';

export function accountDisable(cli: Cli): Command {
  return action('disable', 'sign an account out everywhere and let it in no more, until it is enabled')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email } = await existingAccount(accounts, who);
        await accounts.disable(id, BY_OPERATOR);
        cli.out.result(`${email} is disabled now and signed out everywhere.`, { id, email, status: 'disabled' });
      }),
    );
}

export function accountEnable(cli: Cli): Command {
  return action('enable', 'let a disabled account sign in again')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ stores: { accounts } }) => {
        const { id, email } = await existingAccount(accounts, who);
        await accounts.enable(id, BY_OPERATOR);
        cli.out.result(`${email} is active now.`, { id, email, status: 'active' });
      }),
    );
}
