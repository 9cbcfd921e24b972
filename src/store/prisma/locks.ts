import type { AccountStore } from '../../accounts/store.ts';
import type { Purpose } from '../../links/link.ts';
import { deleteTotp, endingOf, forgetBrowsers } from './account-rows.ts';
import { applyChange, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import { removeFactor } from './factor-removal.ts';
import { findLink, spendLink, voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';
import { putBackWhere } from './put-back.ts';
import { endRecovery } from './recovery-end.ts';
import { removeYoungPasskeys } from './young-passkeys.ts';

/** What opens the account, or locks it once more, is over when it is locked; what undoes a change of address is not. */
const OVER_WHEN_LOCKED: readonly Purpose[] = ['account-lock', 'password-reset', 'sign-in-unlock', 'email-change'];

/** What is done where an account, or the way into it, is or may be in strange hands. */
export function prismaLocks(
  deps: SealedChangeDeps,
): Pick<AccountStore, 'lockByLink' | 'unlockSignIn' | 'removeAuthenticator'> {
  const { sealer } = deps;

  return {
    async lockByLink(accountId, tokenHash, by) {
      const purpose = 'account-lock';
      const link = await findLink(deps.prisma, sealer, { purpose, tokenHash, accountId }, new Date(deps.clock()));
      if (!link) return false;
      return orFalse(
        applyChange(deps, {
          write: (tx, stamp) =>
            tx.account.updateMany({
              where: { id: accountId, status: 'active' },
              data: { passwordHash: null, factorsVersion: { increment: 1 }, ...stamp },
            }),
          ...{ event: { event: 'account.locked_by_owner', accountId }, by, ending: endingOf(accountId) },
          async also(tx, at) {
            if (!(await spendLink(tx, { purpose, tokenHash, accountId }, at))) throw new NothingDone();
            // Before what puts an address back, which ends links without a word.
            await endRecovery(tx, deps.auditRow, { accountId, because: 'lock', by, at });
            if (await putBackWhere(tx, sealer, { accountId, went: String(link.detail['email']) }, at)) {
              const event = { event: 'email.change_undone', accountId } as const;
              await tx.auditEvent.create({ data: deps.auditRow(event, by, at) });
            }
            await voidLinks(tx, accountId, OVER_WHEN_LOCKED);
            await forgetBrowsers(accountId)(tx);
            const ofWhom = { accountId, toldAt: link.createdAt };
            const passkeysRemoved = await removeYoungPasskeys({ ...deps, tx }, ofWhom, by, at);
            const fresh = { purpose: 'password-reset' } as const;
            const about = { message: 'account-locked', ...(passkeysRemoved > 0 && { passkeysRemoved }) } as const;
            await queueLetter(tx, sealer, accountId, about, at, fresh);
          },
        }),
      );
    },
    unlockSignIn: (accountId, tokenHash, by) =>
      orFalse(
        applyChange(deps, {
          write: (tx) =>
            // Holds the row: it comes before its links.
            tx.account.updateMany({ where: { id: accountId, status: 'active' }, data: { status: 'active' } }),
          ...{ event: { event: 'sign_in.unlocked', accountId }, by },
          async also(tx, at) {
            const spent = await spendLink(tx, { purpose: 'sign-in-unlock', tokenHash, accountId }, at);
            if (!spent) throw new NothingDone();
          },
        }),
      ),
    removeAuthenticator: removeFactor(deps, {
      event: 'totp.removed',
      message: 'totp-removed',
      remove: deleteTotp,
    }),
  };
}
