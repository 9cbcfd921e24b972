import type { AccountStore, AsOf } from '../../accounts/store.ts';
import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import { putRecoveryCodes } from './account-rows.ts';
import { auditRow } from './audit.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { jobRow } from './outbox.ts';

type OwnAccount = Pick<
  AccountStore,
  'changePassword' | 'changeProfile' | 'authenticators' | 'renameTotp' | 'removeTotp' | 'replaceRecoveryCodes'
>;

/** Thrown inside a transaction to take back what it wrote. */
class NothingDone extends Error {}

/** What people change of their own account. Each change rests on a look, and is void where that is out of date. */
export function prismaOwnAccount({ prisma, clock }: { prisma: PrismaClient; clock: Clock }): OwnAccount {
  /** A change of password or factors, with its audit event. */
  function changeFactors(
    { id, factorsVersion, notBefore }: AsOf,
    { event, by, data = {} }: { event: AuditEvent; by: By; data?: { passwordHash?: string; notBefore?: Date } },
    also: (tx: Transaction, at: Date) => Promise<unknown>,
    at = new Date(clock()),
  ): Promise<boolean> {
    return orFalse(
      prisma.$transaction(async (tx) => {
        const { count } = await tx.account.updateMany({
          where: { id, factorsVersion, notBefore: new Date(notBefore), status: 'active' },
          data: { ...data, factorsVersion: { increment: 1 }, updatedAt: at },
        });
        if (count === 0) throw new NothingDone();
        await also(tx, at);
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
      }),
    );
  }

  return {
    async changePassword(asOf, passwordHash, by) {
      const { id: accountId } = asOf;
      const at = new Date(clock());
      const before = at.getTime();
      const event = { event: 'account.password_set', accountId } as const;
      const done = await changeFactors(
        asOf,
        { event, by, data: { passwordHash, notBefore: at } },
        (tx) => tx.outboxMessage.create({ data: jobRow({ kind: 'end-account', accountId, before }, at) }),
        at,
      );
      return done ? before : null;
    },
    changeProfile({ id, updatedAt }, claims, by) {
      const at = new Date(clock());
      return orFalse(
        prisma.$transaction(async (tx) => {
          const where = { id, updatedAt: new Date(updatedAt), status: 'active' };
          const { count } = await tx.account.updateMany({
            where,
            data: { claims: JSON.stringify(claims), updatedAt: at },
          });
          if (count === 0) throw new NothingDone();
          await tx.auditEvent.create({ data: auditRow({ event: 'account.claims_set', accountId: id }, by, at) });
        }),
      );
    },
    async authenticators(accountId) {
      const rows = await prisma.totpCredential.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
      return rows.map(({ id, name, createdAt }) => ({ id, name, createdAt: createdAt.getTime() }));
    },
    renameTotp(accountId, id, name, by) {
      const at = new Date(clock());
      return orFalse(
        prisma.$transaction(async (tx) => {
          const { count } = await tx.totpCredential.updateMany({ where: { id, accountId }, data: { name } });
          if (count === 0) throw new NothingDone();
          const event = { event: 'totp.renamed', accountId, credentialId: id } as const;
          await tx.auditEvent.create({ data: auditRow(event, by, at) });
        }),
      );
    },
    removeTotp(asOf, id, by) {
      const { id: accountId } = asOf;
      const event = { event: 'totp.removed', accountId, credentialId: id } as const;
      return changeFactors(asOf, { event, by }, async (tx) => {
        const { count } = await tx.totpCredential.deleteMany({ where: { id, accountId } });
        if (count === 0) throw new NothingDone();
        const left = await tx.totpCredential.count({ where: { accountId } });
        if (left === 0) await tx.recoveryCode.deleteMany({ where: { accountId } });
      });
    },
    replaceRecoveryCodes(asOf, hashes, by) {
      const event = { event: 'recovery_codes.replaced', accountId: asOf.id } as const;
      return changeFactors(asOf, { event, by }, (tx, at) => putRecoveryCodes(tx, asOf.id, hashes, at));
    },
  };
}

async function orFalse(change: Promise<void>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (err) {
    if (err instanceof NothingDone) return false;
    throw err;
  }
}
