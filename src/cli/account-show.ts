import type { Command } from 'commander';
import { accountJson, accountText } from './account-view.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { iso } from './layout.ts';
import { withStores } from './stores.ts';

export function accountShow(cli: Cli): Command {
  return action('show', 'show one account, its claims and its authenticators')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ stores: { accounts, recoveries } }) => {
        const account = await existingAccount(accounts, who);
        const authenticators = await accounts.authenticators(account.id);
        const recovery = await recoveries.find(account.id);
        cli.out.result(accountText(account, authenticators, recovery), {
          ...accountJson(account),
          recovery: recovery && { opensAt: iso(recovery.opensAt), expiresAt: iso(recovery.expiresAt) },
          authenticators: authenticators.map((one) => ({ ...one, createdAt: iso(one.createdAt) })),
        });
      }),
    );
}
