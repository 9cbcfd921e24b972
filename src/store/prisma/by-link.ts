import type { AccountStore } from '../../accounts/store.ts';
import { endingOf, forgetBrowsers } from './account-rows.ts';
import { applyChange, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import { spendLink } from './link-rows.ts';
import { createNotice } from './notice.ts';

/** What a mailed link lets its holder do with an account: each spends it in the transaction of the change. */
export function prismaByLink(deps: SealedChangeDeps): Pick<AccountStore, 'resetPassword'> {
  return {
    resetPassword: (accountId, tokenHash, passwordHash, by) =>
      orFalse(
        applyChange(deps, {
          write: (tx, stamp) =>
            tx.account.updateMany({
              where: { id: accountId, status: 'active' },
              // Who opened the letter reads what is sent to the address.
              data: {
                ...{ passwordHash, factorsVersion: { increment: 1 }, ...stamp },
                ...{ emailVerified: true, mustChangePassword: false },
              },
            }),
          ...{ event: { event: 'password_reset.used', accountId }, by, ending: endingOf(accountId) },
          async also(tx, at) {
            const spent = await spendLink(tx, { purpose: 'password-reset', tokenHash, accountId }, at);
            if (!spent) throw new NothingDone();
            await forgetBrowsers(accountId)(tx);
            const about = { message: 'password-changed', byLink: true } as const;
            await createNotice(deps.sealer)(accountId, about)(tx, at);
          },
        }),
      ),
  };
}
