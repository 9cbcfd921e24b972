import type { AccountStore, AsOf } from '../../accounts/store.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { putRecoveryCodes } from './account-rows.ts';
import type { AuditRow } from './audit-row.ts';
import { applyChange, type Change, NothingDone, orFalse } from './change.ts';
import type { PrismaClient } from './database.ts';

type OwnAccount = Pick<
  AccountStore,
  'changePassword' | 'changeProfile' | 'authenticators' | 'renameTotp' | 'removeTotp' | 'replaceRecoveryCodes'
>;

interface OwnAccountDeps {
  prisma: PrismaClient;
  clock: Clock;
  auditRow: AuditRow;
  /** How access to an account ends. */
  endingOf: (accountId: string) => NonNullable<Change['ending']>;
}

/** What people change of their own account. Each change rests on a look, and is void where that is out of date. */
export function prismaOwnAccount({ endingOf, ...deps }: OwnAccountDeps): OwnAccount {
  const { prisma } = deps;
  const change = (what: Change) => orFalse(applyChange(deps, what));

  /** A change of password or factors, with its audit event. */
  function changeFactors(
    { id, factorsVersion, notBefore }: AsOf,
    what: Omit<Change, 'write'>,
    data: { passwordHash?: string; mustChangePassword?: false } = {},
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
      // No letter: whoever sets it alone is shown it on the page.
      const data = { passwordHash, mustChangePassword: false } as const;
      return (await changeFactors(asOf, { event, by, ending }, data)) ? endedAt : null;
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
        async also(tx) {
          const { count } = await tx.totpCredential.deleteMany({ where: { id, accountId } });
          if (count === 0) throw new NothingDone();
          const left = await tx.totpCredential.count({ where: { accountId } });
          if (left === 0) await tx.recoveryCode.deleteMany({ where: { accountId } });
        },
      });
    },
    replaceRecoveryCodes: (asOf, hashes, by) =>
      changeFactors(asOf, {
        ...{ event: { event: 'recovery_codes.replaced', accountId: asOf.id }, by },
        also: (tx, at) => putRecoveryCodes(tx, asOf.id, hashes, at),
      }),
  };
}
