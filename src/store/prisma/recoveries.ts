import { normalizeEmail } from '../../accounts/account.ts';
import { type NewRecovery, RECOVERY_OPEN, type Recovery, type RecoveryStore } from '../../accounts/recovery.ts';
import type { By } from '../../lib/by.ts';
import { toMilliseconds } from '../../lib/duration.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Purpose } from '../../links/link.ts';
import { endingOf, forgetBrowsers, holdAccount } from './account-rows.ts';
import { applyChange, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { insertLink, linkIn, spendLink, voidLinks } from './link-rows.ts';
import { demandAnew, dropFactors } from './lost-factors.ts';
import { queueLetter } from './mail.ts';
import { endRecovery } from './recovery-end.ts';

/** What undoes a change of address stays: it is its owner's, in another mailbox. */
const OVER_WHEN_RECOVERED: readonly Purpose[] = [
  ...(['password-reset', 'email-verification', 'email-change', 'account-lock', 'sign-in-unlock'] as const),
  'recovery-stop',
];

export function prismaRecoveries(deps: SealedChangeDeps): RecoveryStore {
  const { prisma, sealer, clock, auditRow } = deps;

  const openOf = (accountId: string) => ({
    ...{ accountId, purpose: 'account-recovery', spentAt: null },
    expiresAt: { gt: new Date(clock()) },
  });

  /** Tells who may have to stop it, wherever they may read it. */
  async function tell(tx: Transaction, accountId: string, { wait, mailed }: NewRecovery, at: Date) {
    const opensAt = at.getTime() + toMilliseconds(wait);
    const expiresAt = opensAt + toMilliseconds(RECOVERY_OPEN);
    const [from, until] = [new Date(opensAt), new Date(expiresAt)];
    const link = { purpose: 'account-recovery', opensAt: from, until } as const;
    const times = { from: opensAt, until: expiresAt };
    // Not those of the recovery before: whoever stops that one has heard of no other.
    await voidLinks(tx, accountId, ['recovery-stop']);
    const about = { message: 'account-recovery', ...times, ...(mailed && { mailed }) } as const;
    for (const to of await addressesOf(tx, sealer, accountId, at)) {
      await queueLetter(tx, sealer, { accountId, to }, about, at, { purpose: 'recovery-stop', until });
    }
    if (!mailed) return { opensAt, expiresAt, token: await insertLink(tx, sealer, { ...link, of: { accountId } }, at) };
    await queueLetter(tx, sealer, accountId, { message: 'account-recovery-link', ...times }, at, link);
    return { opensAt, expiresAt, token: null };
  }

  return {
    start: (accountId, recovery, by) =>
      prisma.$transaction(async (tx) => {
        if (!(await holdAccount(tx, accountId))) return null;
        const at = new Date(clock());
        const started = await tell(tx, accountId, recovery, at);
        const opensAt = new Date(started.opensAt).toISOString();
        const { mailed } = recovery;
        const event = { event: 'account.recovery_started', accountId, opensAt, mailed } as const;
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
        return started;
      }),
    async find(accountId) {
      const row = await prisma.mailedLink.findFirst({ where: openOf(accountId) });
      return row && toRecovery(row);
    },
    async stop(accountId, because, by) {
      // Nearly every sign-in ends here.
      if ((await prisma.mailedLink.count({ where: openOf(accountId) })) === 0) return false;
      return prisma.$transaction(async (tx) => {
        // Whatever the account's status is: an operator stops it all the same.
        await tx.account.updateMany({ where: { id: accountId }, data: { id: accountId } });
        return endRecovery(tx, auditRow, { accountId, because, by, at: new Date(clock()) });
      });
    },
    stopByLink: (accountId, tokenHash, by) =>
      prisma.$transaction(async (tx) => {
        if (!(await holdAccount(tx, accountId))) return false;
        const at = new Date(clock());
        if (!(await spendLink(tx, { purpose: 'recovery-stop', tokenHash, accountId }, at))) return false;
        return endRecovery(tx, auditRow, { accountId, because: 'letter', by, at });
      }),
    recover: (accountId, tokenHash, passwordHash, passkeys, by) =>
      orFalse(applyChange(deps, recovering({ accountId, tokenHash, passwordHash, passkeys, by }))),
  };

  function recovering(done: { accountId: string; tokenHash: string; passwordHash: string; passkeys: boolean; by: By }) {
    const { accountId, tokenHash, passwordHash, passkeys, by } = done;
    let demanded: string | null = null;
    return {
      write: (tx: Transaction, stamp: { updatedAt: Date }) =>
        tx.account.updateMany({
          where: { id: accountId, status: 'active' },
          data: { passwordHash, mustChangePassword: false, factorsVersion: { increment: 1 }, ...stamp },
        }),
      get event() {
        return { event: 'account.recovered', accountId, demanded } as const;
      },
      ...{ by, ending: endingOf(accountId) },
      async also(tx: Transaction, at: Date) {
        const spent = await spendLink(tx, { purpose: 'account-recovery', tokenHash, accountId }, at);
        if (!spent) throw new NothingDone();
        demanded = await demandAnew(tx, accountId, passkeys, at);
        await dropFactors(tx, accountId);
        await forgetBrowsers(accountId)(tx);
        await voidLinks(tx, accountId, OVER_WHEN_RECOVERED);
        const about = { message: 'account-recovered' } as const;
        for (const to of await addressesOf(tx, sealer, accountId, at)) {
          const detail = { about: about.message, email: to };
          await queueLetter(tx, sealer, { accountId, to }, about, at, { purpose: 'account-lock', detail });
        }
      },
    };
  }
}

/** The address that an account has, and those that it had and can still be given back: whoever moved it reads only the first. */
async function addressesOf(tx: Transaction, sealer: Sealer, accountId: string, at: Date): Promise<string[]> {
  const { email } = await tx.account.findUniqueOrThrow({ where: { id: accountId }, select: { email: true } });
  const where = { accountId, purpose: 'email-undo', spentAt: null, expiresAt: { gt: at } };
  const rows = await tx.mailedLink.findMany({ where, orderBy: { createdAt: 'asc' } });
  const addresses = [email, ...rows.flatMap((row) => linkIn(sealer, row).detail['email'] ?? [])];
  return [...new Map(addresses.toReversed().map((to) => [normalizeEmail(to), to])).values()].toReversed();
}

function toRecovery({
  opensAt,
  expiresAt,
  createdAt,
}: {
  opensAt: Date | null;
  expiresAt: Date;
  createdAt: Date;
}): Recovery {
  return { opensAt: (opensAt ?? createdAt).getTime(), expiresAt: expiresAt.getTime() };
}
