import { normalizeEmail } from '../../accounts/account.ts';
import type { AccountStore } from '../../accounts/store.ts';
import { Conflict } from '../../lib/errors.ts';
import type { Purpose } from '../../links/link.ts';
import { endingOf, forgetBrowsers } from './account-rows.ts';
import { askerWhere } from './address-links.ts';
import { applyChange, type Change, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import { orConflict } from './conflict.ts';
import type { Transaction } from './database.ts';
import { endLaterLinks, findLink, spendLink, voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';
import { endRecovery } from './recovery-end.ts';
import { removeYoungPasskeys } from './young-passkeys.ts';

/** What was mailed to an address and is of no use at the next. Undoing is. */
const OF_THE_OLD: readonly Purpose[] = ['password-reset', 'email-verification', 'email-change'];

/** How the address of an account is proved, changed, and put back. */
export function prismaAddress(
  deps: SealedChangeDeps,
): Pick<AccountStore, 'verifyEmail' | 'changeEmail' | 'undoEmail' | 'setEmail'> {
  const { prisma, sealer, clock, auditRow } = deps;
  const change = (what: Change) => orConflict('email', orFalse(applyChange(deps, what)));
  const linkOf = (purpose: Purpose, tokenHash: string, accountId: string) =>
    findLink(prisma, sealer, { purpose, tokenHash, accountId }, new Date(clock()));
  const addressed = (email: string) => ({ email, emailNormalized: normalizeEmail(email), emailVerified: true });

  async function spend(tx: Transaction, purpose: Purpose, tokenHash: string, accountId: string, at: Date) {
    if (!(await spendLink(tx, { purpose, tokenHash, accountId }, at))) throw new NothingDone();
  }

  return {
    async verifyEmail(accountId, tokenHash, by) {
      const purpose = 'email-verification';
      const link = await linkOf(purpose, tokenHash, accountId);
      if (!link) return false;
      return change({
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: { id: accountId, status: 'active', emailNormalized: normalizeEmail(String(link.detail['email'])) },
            data: { emailVerified: true, ...stamp },
          }),
        ...{ event: { event: 'email.verified', accountId }, by },
        also: (tx, at) => spend(tx, purpose, tokenHash, accountId, at),
      });
    },
    async changeEmail(accountId, tokenHash, language, by) {
      const purpose = 'email-change';
      const link = await linkOf(purpose, tokenHash, accountId);
      if (!link) return false;
      const { email = '', from = '', factorsVersion, notBefore } = link.detail;
      const where = askerWhere({
        ...{ accountId, from },
        ...{ factorsVersion: Number(factorsVersion), notBefore: Number(notBefore) },
      });
      let before = '';
      const changed = change({
        async write(tx, stamp) {
          before = (await tx.account.findUnique({ where: { id: accountId } }))?.email ?? '';
          return tx.account.updateMany({ where, data: { ...addressed(email), ...stamp } });
        },
        ...{ event: { event: 'email.changed', accountId }, by },
        async also(tx, at) {
          await spend(tx, purpose, tokenHash, accountId, at);
          await voidLinks(tx, accountId, OF_THE_OLD);
          const undo = { purpose: 'email-undo', language, detail: { email: before } } as const;
          await queueLetter(tx, sealer, { accountId, to: before }, { message: 'email-changed' }, at, undo);
          await queueLetter(tx, sealer, accountId, { message: 'email-new' }, at);
        },
      });
      return changed.catch((err: unknown) => {
        // Who holds the link learns no more than that it opens nothing.
        if (err instanceof Conflict) return false;
        throw err;
      });
    },
    async undoEmail(accountId, tokenHash, language, by) {
      const purpose = 'email-undo';
      const link = await linkOf(purpose, tokenHash, accountId);
      if (!link) return false;
      const { email = '' } = link.detail;
      // Whoever took the account over may also have asked for its deletion; who was disabled by an operator stays so.
      return change({
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: { id: accountId, status: { in: ['active', 'leaving'] } },
            data: {
              ...addressed(email),
              ...{ passwordHash: null, mustChangePassword: false, factorsVersion: { increment: 1 } },
              ...{ status: 'active', deletionDueAt: null, ...stamp },
            },
          }),
        ...{ event: { event: 'email.change_undone', accountId }, by, ending: endingOf(accountId) },
        async also(tx, at) {
          await spend(tx, purpose, tokenHash, accountId, at);
          await endRecovery(tx, auditRow, { accountId, because: 'address', by, at });
          await endLaterLinks(tx, sealer, link);
          await forgetBrowsers(accountId)(tx);
          const passkeysRemoved = await removeYoungPasskeys(
            { ...deps, tx },
            { accountId, toldAt: link.createdAt },
            by,
            at,
          );
          const reset = { purpose: 'password-reset', language } as const;
          const about = { message: 'email-undone', ...(passkeysRemoved > 0 && { passkeysRemoved }) } as const;
          await queueLetter(tx, sealer, accountId, about, at, reset);
        },
      });
    },
    setEmail(accountId, email, emailVerified, by) {
      let before = '';
      return change({
        async write(tx, stamp) {
          const row = await tx.account.findUnique({ where: { id: accountId } });
          before = row?.email ?? '';
          return tx.account.updateMany({
            where: { id: accountId, email: before },
            data: { ...addressed(email), emailVerified, ...stamp },
          });
        },
        ...{ event: { event: 'email.changed', accountId }, by },
        async also(tx, at) {
          await endRecovery(tx, auditRow, { accountId, because: 'address', by, at });
          await tx.mailedLink.deleteMany({ where: { accountId, spentAt: null } });
          for (const to of [before, email]) {
            await queueLetter(tx, sealer, { accountId, to }, { message: 'email-set' }, at);
          }
        },
      });
    },
  };
}
