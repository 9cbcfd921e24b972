import type { Command } from 'commander';
import { createKnownBrowsers } from '../limits/known-browsers.ts';
import { accountJson, accountText } from './account-view.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { iso } from './layout.ts';
import { withStores } from './stores.ts';

export function accountShow(cli: Cli): Command {
  return action('show', 'show one account, its claims and its authenticators')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ config, stores: { accounts, knownBrowsers: store, recoveries, clock } }) => {
        const account = await existingAccount(accounts, who);
        const authenticators = await accounts.authenticators(account.id);
        const browsers = createKnownBrowsers({ store, trustedFor: config.levels.trustedBrowser, clock });
        const trustedBrowsers = (await browsers.trusted(null, account)).length;
        const recovery = await recoveries.find(account.id);
        cli.out.result(accountText(account, { authenticators, trustedBrowsers, recovery }), {
          ...accountJson(account),
          trustedBrowsers,
          recovery: recovery && { opensAt: iso(recovery.opensAt), expiresAt: iso(recovery.expiresAt) },
          authenticators: authenticators.map((one) => ({ ...one, createdAt: iso(one.createdAt) })),
        });
      }),
    );
}
