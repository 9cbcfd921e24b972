import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Alive, KnownBrowserStore } from '../../limits/known-browser-store.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { createNotice } from './notice.ts';

export function prismaKnownBrowsers({
  prisma,
  sealer,
  clock,
}: {
  prisma: PrismaClient;
  sealer: Sealer;
  clock: Clock;
}): KnownBrowserStore {
  const notice = createNotice(sealer);

  const living = (idHash: string, accountId: string, { mostFailures, since }: Alive) => ({
    ...{ idHash, accountId },
    failures: { lt: mostFailures },
    lastSeenAt: { gt: new Date(since) },
  });

  return {
    async take(idHash, accountId, alive) {
      const where = living(idHash, accountId, alive);
      return (await prisma.knownBrowser.updateMany({ where, data: { failures: { increment: 1 } } })).count === 1;
    },
    async giveBack(idHash) {
      const where = { idHash, failures: { gt: 0 } };
      await prisma.knownBrowser.updateMany({ where, data: { failures: { decrement: 1 } } });
    },
    async seen(idHash, accountId, alive) {
      const where = living(idHash, accountId, alive);
      return (await prisma.knownBrowser.updateMany({ where, data: { lastSeenAt: new Date(clock()) } })).count === 1;
    },
    async listOf(accountId) {
      const rows = await prisma.knownBrowser.findMany({
        where: { accountId },
        orderBy: { createdAt: 'asc' },
        select: { createdAt: true, lastSeenAt: true },
      });
      return rows.map((row) => ({ createdAt: row.createdAt.getTime(), lastSeenAt: row.lastSeenAt.getTime() }));
    },
    add: (idHash, accountId, { provedAt, most, by }) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        // Changes nothing, but holds the row: whoever ends the account comes before this and is seen, or after and
        // finds the browser.
        const { count } = await tx.account.updateMany({
          where: { id: accountId, status: 'active', notBefore: { lt: new Date(provedAt) } },
          data: { status: 'active' },
        });
        if (count === 0) return false;
        if (await wasSignedInTo(tx, accountId)) {
          const { address, browser = null } = by;
          await notice(accountId, { message: 'new-browser', browser, address })(tx, at);
        }
        await tx.knownBrowser.create({ data: { idHash, accountId, createdAt: at, lastSeenAt: at, failures: 0 } });
        const oldest = await tx.knownBrowser.findMany({
          where: { accountId },
          orderBy: [{ lastSeenAt: 'desc' }, { idHash: 'asc' }],
          skip: most,
          select: { idHash: true },
        });
        await tx.knownBrowser.deleteMany({ where: { idHash: { in: oldest.map((row) => row.idHash) } } });
        return true;
      }),
  };
}

/** Browsers alone do not say so: a sign-out everywhere forgets them, and whoever does that would come in unannounced. */
async function wasSignedInTo(tx: Transaction, accountId: string): Promise<boolean> {
  if ((await tx.knownBrowser.findFirst({ where: { accountId } })) !== null) return true;
  const where = { accountId, event: 'sign_in.succeeded' };
  if ((await tx.auditEvent.findFirst({ where, select: { id: true } })) !== null) return true;
  // Where the trail was cut since, the first sign-in may have been in what is gone.
  const { createdAt } = await tx.account.findUniqueOrThrow({ where: { id: accountId }, select: { createdAt: true } });
  return (await tx.auditAnchor.count({ where: { at: { gt: createdAt } } })) > 0;
}
