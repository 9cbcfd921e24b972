import type { Command } from 'commander';
import { accountJson, accountText } from './account-view.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { withStores } from './stores.ts';

export function accountShow(cli: Cli): Command {
  return action('show', 'show one account and its claims')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ stores: { accounts } }) => {
        const account = await existingAccount(accounts, who);
        cli.out.result(accountText(account), accountJson(account));
      }),
    );
}
