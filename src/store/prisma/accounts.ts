import type { Account, StandardClaims } from '../../accounts/account.ts';
import type { AccountStore } from '../../accounts/store.ts';
import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Message } from '../../mail/message.ts';
import { endingOf, forgetBrowsers, insertAccount, insertTotp, lackingFactors } from './account-rows.ts';
import { prismaAddress } from './address.ts';
import { erasePersonal } from './audit-sealing.ts';
import { prismaByLink } from './by-link.ts';
import { applyChange, type Change, type SealedChangeDeps } from './change.ts';
import { orConflict } from './conflict.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { prismaFactorUse } from './factor-use.ts';
import { voidLinks } from './link-rows.ts';
import { prismaLocks } from './locks.ts';
import { demandAnew, dropFactors } from './lost-factors.ts';
import { queueLetter } from './mail.ts';
import { prismaNewcomerAccounts } from './newcomer-accounts.ts';
import { createNotice } from './notice.ts';
import { prismaOwnAccount } from './own-account.ts';
import { prismaPasswordChange } from './password-change.ts';
import { endRecovery } from './recovery-end.ts';

export function prismaAccounts({ prisma, sealer, clock, auditRow }: SealedChangeDeps): AccountStore {
  const now = () => new Date(clock());

  async function factorsOf(accountId: string): Promise<Factors> {
    const where = { accountId };
    const [totp, passkeys] = await Promise.all([
      prisma.totpCredential.count({ where }),
      prisma.passkey.count({ where }),
    ]);
    return { hasTotp: totp > 0, hasPasskey: passkeys > 0 };
  }

  function change(
    id: string,
    data: Record<string, unknown>,
    event: AuditEvent,
    by: By,
    { endsAccess = false, also }: { endsAccess?: boolean } & Pick<Change, 'also'> = {},
  ): Promise<boolean> {
    return applyChange(
      { prisma, clock, auditRow },
      {
        write: (tx, stamp) => tx.account.updateMany({ where: { id }, data: { ...data, ...stamp } }),
        ...{ event, by },
        ...(endsAccess && { ending: endingOf(id) }),
        ...(also && { also }),
      },
    );
  }

  const notice = createNotice(sealer);

  const tell = (id: string, about: Message) => (tx: Transaction, at: Date) => queueLetter(tx, sealer, id, about, at);

  /** Its owner is told where it was not so before. */
  function setStatus(id: string, status: Account['status'], by: By): Promise<boolean> {
    const ends = status === 'disabled';
    let isNews = false;
    return applyChange(
      { prisma, clock, auditRow },
      {
        async write(tx, stamp) {
          isNews = (await tx.account.count({ where: { id, status: { not: status } } })) === 1;
          const kept = ends ? {} : { deletionDueAt: null };
          return tx.account.updateMany({ where: { id }, data: { status, ...kept, ...stamp } });
        },
        ...{ event: { event: ends ? 'account.disabled' : 'account.enabled', accountId: id }, by },
        ...(ends && { ending: endingOf(id) }),
        async also(tx, at) {
          await (ends ? forgetBrowsers(id)(tx) : voidLinks(tx, id, ['deletion-undo']));
          if (ends) await endRecovery(tx, auditRow, { accountId: id, because: 'disabled', by, at });
          if (isNews) await tell(id, { message: ends ? 'account-disabled' : 'account-enabled' })(tx, at);
        },
      },
    );
  }

  return {
    ...prismaOwnAccount({ prisma, sealer, clock, auditRow }),
    ...prismaByLink({ prisma, sealer, clock, auditRow }),
    ...prismaPasswordChange({ prisma, clock, auditRow, sealer }),
    ...prismaNewcomerAccounts({ prisma, clock, auditRow }),
    ...prismaAddress({ prisma, sealer, clock, auditRow }),
    ...prismaLocks({ prisma, sealer, clock, auditRow }),
    ...prismaFactorUse({ prisma, sealer, clock, auditRow }),
    async find(id) {
      const [row, factors] = await Promise.all([prisma.account.findUnique({ where: { id } }), factorsOf(id)]);
      return row && toAccount(row, factors);
    },
    /** As many look-ups whether or not there is such an account, so that the time they take says nothing. */
    async findByEmail(emailNormalized) {
      const row = await prisma.account.findUnique({ where: { emailNormalized } });
      const factors = await factorsOf(row?.id ?? '');
      return row && toAccount(row, factors);
    },
    async list() {
      const include = { _count: { select: { totpCredentials: true, passkeys: true } } } as const;
      const rows = await prisma.account.findMany({ orderBy: { createdAt: 'asc' }, include });
      return rows.map(({ _count: { totpCredentials, passkeys }, ...row }) =>
        toAccount(row, { hasTotp: totpCredentials > 0, hasPasskey: passkeys > 0 }),
      );
    },
    async hasAdministrator() {
      return (await prisma.account.findFirst({ where: { role: 'administrator' }, select: { id: true } })) !== null;
    },
    async create(account, by, totp) {
      const at = now();
      await orConflict(
        'email',
        prisma.$transaction(async (tx) => {
          await insertAccount({ tx, auditRow }, account, by, at);
          if (totp) await insertTotp({ tx, auditRow, sealer }, account.id, totp, by, at);
        }),
      );
    },
    setPassword: (id, passwordHash, by, mustChange = false) =>
      change(
        id,
        { passwordHash, mustChangePassword: mustChange, factorsVersion: { increment: 1 } },
        { event: 'account.password_set', accountId: id },
        by,
        {
          endsAccess: true,
          async also(tx, at) {
            await voidLinks(tx, id, ['password-reset']);
            await notice(id, { message: by.actor === id ? 'password-changed' : 'password-set' })(tx, at);
          },
        },
      ),
    async upgradePasswordHash(id, from, to) {
      const where = { id, passwordHash: from };
      return (await prisma.account.updateMany({ where, data: { passwordHash: to } })).count === 1;
    },
    setClaims: (id, claims, emailVerified, by) =>
      change(
        id,
        { claims: JSON.stringify(claims), ...(emailVerified !== null && { emailVerified }) },
        { event: 'account.claims_set', accountId: id },
        by,
      ),
    setDemandedLevel: (id, level, by) =>
      change(id, { demandedLevel: level }, { event: 'account.level_set', accountId: id, level: level ?? 'none' }, by),
    disable: (id, by) => setStatus(id, 'disabled', by),
    enable: (id, by) => setStatus(id, 'active', by),
    signOut: (id, by) =>
      change(id, {}, { event: 'account.signed_out', accountId: id }, by, {
        endsAccess: true,
        also: forgetBrowsers(id),
      }),
    delete: (id, by) =>
      change(id, {}, { event: 'account.deleted', accountId: id }, by, {
        endsAccess: true,
        async also(tx) {
          await tx.account.delete({ where: { id } });
          await erasePersonal(tx, id);
        },
      }),
    resetFactors: (id, by, { passwordOnly = false, passkeys = true } = {}) =>
      change(id, { ...lackingFactors(now()) }, { event: 'account.factors_reset', accountId: id }, by, {
        endsAccess: true,
        async also(tx, at) {
          if (!passwordOnly) await demandAnew(tx, id, passkeys, at);
          await dropFactors(tx, id);
          await notice(id, { message: 'factors-reset' })(tx, at);
        },
      }),
  };
}

type AccountRow = NonNullable<Awaited<ReturnType<PrismaClient['account']['findUnique']>>>;

type Factors = Pick<Account, 'hasTotp' | 'hasPasskey'>;

function toAccount(row: AccountRow, factors: Factors): Account {
  const { id, email, emailVerified, passwordHash, factorsVersion, mustChangePassword } = row;
  return {
    ...{ id, email, emailVerified, passwordHash, factorsVersion, mustChangePassword },
    ...factors,
    deletionDueAt: row.deletionDueAt?.getTime() ?? null,
    demandedLevel: row.demandedLevel as Account['demandedLevel'],
    enrolmentDueAt: row.enrolmentDueAt?.getTime() ?? null,
    role: row.role as Account['role'],
    status: row.status as Account['status'],
    claims: JSON.parse(row.claims) as StandardClaims,
    notBefore: row.notBefore.getTime(),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}
