import type { Account, StandardClaims } from '../../accounts/account.ts';
import type { AccountStore } from '../../accounts/store.ts';
import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { insertAccount, insertTotp, unsealSeed } from './account-rows.ts';
import { auditRow } from './audit.ts';
import { applyChange, type Change } from './change.ts';
import { orConflict } from './conflict.ts';
import type { PrismaClient } from './database.ts';
import { prismaOwnAccount } from './own-account.ts';

export function prismaAccounts({
  prisma,
  sealer,
  clock,
}: {
  prisma: PrismaClient;
  sealer: Sealer;
  clock: Clock;
}): AccountStore {
  const now = () => new Date(clock());

  /** Two look-ups whether or not there is such an account, so that the time they take says nothing. */
  async function withFactors(row: AccountRow | null): Promise<Account | null> {
    const totp = await prisma.totpCredential.count({ where: { accountId: row?.id ?? '' } });
    return row && toAccount(row, totp > 0);
  }

  function change(
    id: string,
    data: Record<string, unknown>,
    event: AuditEvent,
    by: By,
    { endsAccess = false, also }: { endsAccess?: boolean } & Pick<Change, 'also'> = {},
  ): Promise<boolean> {
    const ending = (before: number) => ({ kind: 'end-account', accountId: id, before }) as const;
    return applyChange(
      { prisma, clock },
      {
        write: (tx, stamp) => tx.account.updateMany({ where: { id }, data: { ...data, ...stamp } }),
        ...{ event, by },
        ...(endsAccess && { ending }),
        ...(also && { also }),
      },
    );
  }

  return {
    ...prismaOwnAccount({ prisma, clock }),
    find: async (id) => withFactors(await prisma.account.findUnique({ where: { id } })),
    findByEmail: async (emailNormalized) =>
      withFactors(await prisma.account.findUnique({ where: { emailNormalized } })),
    async list() {
      const factors = { _count: { select: { totpCredentials: true } } } as const;
      const rows = await prisma.account.findMany({ orderBy: { createdAt: 'asc' }, include: factors });
      return rows.map((row) => toAccount(row, row._count.totpCredentials > 0));
    },
    async hasAdministrator() {
      return (await prisma.account.findFirst({ where: { role: 'administrator' }, select: { id: true } })) !== null;
    },
    async create(account, by, totp) {
      const at = now();
      await orConflict(
        'email',
        prisma.$transaction(async (tx) => {
          await insertAccount(tx, account, by, at);
          if (totp) await insertTotp(tx, sealer, account.id, totp, by, at);
        }),
      );
    },
    setPassword: (id, passwordHash, by) =>
      change(
        id,
        { passwordHash, factorsVersion: { increment: 1 } },
        { event: 'account.password_set', accountId: id },
        by,
        {
          endsAccess: true,
        },
      ),
    async upgradePasswordHash(id, from, to) {
      const where = { id, passwordHash: from };
      return (await prisma.account.updateMany({ where, data: { passwordHash: to } })).count === 1;
    },
    setClaims: (id, claims, emailVerified, by) =>
      change(id, { claims: JSON.stringify(claims), emailVerified }, { event: 'account.claims_set', accountId: id }, by),
    disable: (id, by) =>
      change(id, { status: 'disabled' }, { event: 'account.disabled', accountId: id }, by, { endsAccess: true }),
    enable: (id, by) => change(id, { status: 'active' }, { event: 'account.enabled', accountId: id }, by),
    signOut: (id, by) => change(id, {}, { event: 'account.signed_out', accountId: id }, by, { endsAccess: true }),
    delete: (id, by) =>
      change(id, {}, { event: 'account.deleted', accountId: id }, by, {
        endsAccess: true,
        also: (tx) => tx.account.delete({ where: { id } }),
      }),

    async totpCredentials(accountId) {
      const rows = await prisma.totpCredential.findMany({ where: { accountId } });
      return rows.map(({ id, sealedSecret, lastStep }) => ({
        ...{ id, accountId, lastStep },
        secret: unsealSeed(sealer, id, sealedSecret),
      }));
    },
    async claimTotpStep(id, step) {
      const where = { id, lastStep: { lt: step } };
      return (await prisma.totpCredential.updateMany({ where, data: { lastStep: step } })).count === 1;
    },
    async enrolTotp(accountId, factorsVersion, totp, by) {
      const at = now();
      return prisma.$transaction(async (tx) => {
        const { count } = await tx.account.updateMany({
          where: { id: accountId, factorsVersion, status: 'active' },
          data: { factorsVersion: { increment: 1 }, updatedAt: at },
        });
        if (count === 0) return false;
        await insertTotp(tx, sealer, accountId, totp, by, at);
        return true;
      });
    },
    resetFactors: (id, by) =>
      change(id, { factorsVersion: { increment: 1 } }, { event: 'account.factors_reset', accountId: id }, by, {
        endsAccess: true,
        async also(tx) {
          await tx.totpCredential.deleteMany({ where: { accountId: id } });
          await tx.recoveryCode.deleteMany({ where: { accountId: id } });
        },
      }),
    async spendRecoveryCode(accountId, hashes, by) {
      const at = now();
      return prisma.$transaction(async (tx) => {
        const { count } = await tx.recoveryCode.updateMany({
          where: { accountId, codeHash: { in: hashes }, usedAt: null },
          data: { usedAt: at },
        });
        if (count === 0) return false;
        await tx.auditEvent.create({ data: auditRow({ event: 'recovery_code.used', accountId }, by, at) });
        return true;
      });
    },
    recoveryCodesLeft: (accountId) => prisma.recoveryCode.count({ where: { accountId, usedAt: null } }),
  };
}

type AccountRow = NonNullable<Awaited<ReturnType<PrismaClient['account']['findUnique']>>>;

function toAccount(row: AccountRow, hasTotp: boolean): Account {
  const { id, email, emailVerified, passwordHash, factorsVersion } = row;
  return {
    ...{ id, email, emailVerified, passwordHash, factorsVersion, hasTotp },
    role: row.role as Account['role'],
    status: row.status as Account['status'],
    claims: JSON.parse(row.claims) as StandardClaims,
    notBefore: row.notBefore.getTime(),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}
