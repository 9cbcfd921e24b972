import type { Command } from 'commander';
import { createKnownBrowsers } from '../limits/known-browsers.ts';
import { accountJson, accountText, passkeyView } from './account-view.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { iso } from './layout.ts';
import { heldRoles } from './role-view.ts';
import { withStores } from './stores.ts';

export function accountShow(cli: Cli): Command {
  return action('show', 'show one account, its claims, passkeys, authenticators and roles')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ config, stores }) => {
        const { accounts, passkeys: ofPeople, knownBrowsers: store, recoveries, listedAccounts, clock } = stores;
        const account = await existingAccount(accounts, who);
        const authenticators = await accounts.authenticators(account.id);
        const passkeys = await Promise.all((await ofPeople.ofAccount(account.id)).map(passkeyView));
        const browsers = createKnownBrowsers({ store, trustedFor: config.levels.trustedBrowser, clock });
        const trustedBrowsers = (await browsers.trusted(null, account)).length;
        const recovery = await recoveries.find(account.id);
        const roles = await heldRoles(stores, { kind: 'account', id: account.id });
        const listedFor = (await listedAccounts.ofAccount(account.id)).map(({ clientId }) => clientId);
        cli.out.result(
          accountText(account, { authenticators, passkeys, trustedBrowsers, recovery, roles, listedFor }),
          {
            ...{ ...accountJson(account), passkeys },
            ...{ trustedBrowsers, roles, listedFor },
            recovery: recovery && { opensAt: iso(recovery.opensAt), expiresAt: iso(recovery.expiresAt) },
            authenticators: authenticators.map((one) => ({ ...one, createdAt: iso(one.createdAt) })),
          },
        );
      }),
    );
}
