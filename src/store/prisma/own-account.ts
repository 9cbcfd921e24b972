import type { AccountStore, AsOf } from '../../accounts/store.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { deleteTotp, endingOf, putRecoveryCodes } from './account-rows.ts';
import { applyChange, type Change, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { voidLinks } from './link-rows.ts';
import { createNotice } from './notice.ts';

type OwnAccount = Pick<
  AccountStore,
  | 'changePassword'
  | 'removePassword'
  | 'changeProfile'
  | 'authenticators'
  | 'renameTotp'
  | 'removeTotp'
  | 'postponeEnrolment'
  | 'replaceRecoveryCodes'
>;

/** What people change of their own account. Each change rests on a look, and is void where that is out of date. */
export function prismaOwnAccount(deps: SealedChangeDeps): OwnAccount {
  const { prisma } = deps;
  const notice = createNotice(deps.sealer);
  const change = (what: Change) => orFalse(applyChange(deps, what));

  /** A change of password or factors, with its audit event. */
  function changeFactors(
    { id, factorsVersion, notBefore }: AsOf,
    what: Omit<Change, 'write'>,
    data: { passwordHash?: string | null; mustChangePassword?: false } = {},
  ): Promise<boolean> {
    return change({
      ...what,
      write: (tx, stamp) =>
        tx.account.updateMany({
          where: { id, factorsVersion, notBefore: new Date(notBefore), status: 'active' },
          data: { ...data, factorsVersion: { increment: 1 }, ...stamp },
        }),
    });
  }

  return {
    async changePassword(asOf, passwordHash, by) {
      const { id: accountId } = asOf;
      const { refuse, job } = endingOf(accountId);
      let endedAt: Milliseconds | null = null;
      const ending = {
        refuse,
        job(before: Milliseconds) {
          endedAt = before;
          return job(before);
        },
      };
      const event = { event: 'account.password_set', accountId } as const;
      async function also(tx: Transaction, at: Date): Promise<void> {
        await voidLinks(tx, accountId, ['password-reset']);
        await notice(accountId, { message: 'password-changed' })(tx, at);
      }
      const data = { passwordHash, mustChangePassword: false } as const;
      return (await changeFactors(asOf, { event, by, ending, also }, data)) ? endedAt : null;
    },
    removePassword(asOf, by) {
      const { id: accountId } = asOf;
      async function also(tx: Transaction, at: Date): Promise<void> {
        if ((await tx.passkey.count({ where: { accountId } })) === 0) throw new NothingDone();
        await voidLinks(tx, accountId, ['password-reset']);
        await notice(accountId, { message: 'password-removed' })(tx, at);
      }
      const event = { event: 'account.password_removed', accountId } as const;
      return changeFactors(asOf, { event, by, also }, { passwordHash: null, mustChangePassword: false });
    },
    changeProfile: ({ id, updatedAt }, claims, by) =>
      change({
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: { id, updatedAt: new Date(updatedAt), status: 'active' },
            data: { claims: JSON.stringify(claims), ...stamp },
          }),
        ...{ event: { event: 'account.claims_set', accountId: id }, by },
      }),
    async authenticators(accountId) {
      const rows = await prisma.totpCredential.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
      return rows.map(({ id, name, createdAt }) => ({ id, name, createdAt: createdAt.getTime() }));
    },
    renameTotp: (accountId, id, name, by) =>
      change({
        write: (tx) => tx.totpCredential.updateMany({ where: { id, accountId }, data: { name } }),
        ...{ event: { event: 'totp.renamed', accountId, credentialId: id }, by },
      }),
    removeTotp(asOf, id, by) {
      const { id: accountId } = asOf;
      return changeFactors(asOf, {
        ...{ event: { event: 'totp.removed', accountId, credentialId: id }, by },
        async also(tx, at) {
          if (!(await deleteTotp(tx, accountId, id))) throw new NothingDone();
          await notice(accountId, { message: 'totp-removed' })(tx, at);
        },
      });
    },
    postponeEnrolment({ id: accountId, factorsVersion, notBefore }, until, by) {
      const enrolmentDueAt = new Date(until);
      return change({
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: {
              ...{ id: accountId, factorsVersion, notBefore: new Date(notBefore), status: 'active' },
              enrolmentDueAt: null,
            },
            data: { enrolmentDueAt, ...stamp },
          }),
        ...{ event: { event: 'enrolment.postponed', accountId, dueAt: enrolmentDueAt.toISOString() }, by },
      });
    },
    replaceRecoveryCodes: (asOf, hashes, by) =>
      changeFactors(asOf, {
        ...{ event: { event: 'recovery_codes.replaced', accountId: asOf.id }, by },
        async also(tx, at) {
          await putRecoveryCodes(tx, asOf.id, hashes, at);
          await notice(asOf.id, { message: 'recovery-codes-replaced' })(tx, at);
        },
      }),
  };
}
