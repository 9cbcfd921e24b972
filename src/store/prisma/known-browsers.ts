import type { Alive, KnownBrowserStore } from '../../limits/known-browser-store.ts';
import { holdAccount } from './account-rows.ts';
import { applyChange, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { createNotice } from './notice.ts';

export function prismaKnownBrowsers(deps: SealedChangeDeps): KnownBrowserStore {
  const { prisma, sealer, clock, auditRow } = deps;
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
      const rows = await prisma.knownBrowser.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
      return rows.map(({ idHash, createdAt, lastSeenAt, failures, browser, trustedUntil, trustedFactors }) => ({
        ...{ idHash, failures, browser, trustedFactors },
        ...{ createdAt: createdAt.getTime(), lastSeenAt: lastSeenAt.getTime() },
        trustedUntil: trustedUntil?.getTime() ?? null,
      }));
    },
    add: (idHash, accountId, { provedAt, most, by, trust }) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        // Changes nothing, but holds the row: whoever ends the account comes before this and is seen, or after and
        // finds the browser.
        const { count } = await tx.account.updateMany({
          where: {
            ...{ id: accountId, status: 'active', notBefore: { lt: new Date(provedAt) } },
            ...(trust && { factorsVersion: trust.factorsVersion, role: { not: 'administrator' } }),
          },
          data: { status: 'active' },
        });
        if (count === 0) return false;
        const { address, browser = null } = by;
        if (trust) {
          const { until, replaces } = trust;
          await tx.knownBrowser.deleteMany({ where: { idHash: replaces ?? '', accountId } });
          await notice(accountId, { message: 'browser-trusted', browser, address, until })(tx, at);
          const event = { event: 'browser.trusted', accountId, until: new Date(until).toISOString() } as const;
          await tx.auditEvent.create({ data: auditRow(event, by, at) });
        } else if (await wasSignedInTo(tx, accountId)) {
          await notice(accountId, { message: 'new-browser', browser, address })(tx, at);
        }
        await tx.knownBrowser.create({
          data: {
            ...{ idHash, accountId, createdAt: at, lastSeenAt: at, failures: 0, browser },
            ...(trust && { trustedUntil: new Date(trust.until), trustedFactors: trust.factorsVersion }),
          },
        });
        const oldest = await tx.knownBrowser.findMany({
          where: { accountId },
          orderBy: [{ lastSeenAt: 'desc' }, { idHash: 'asc' }],
          skip: most,
          select: { idHash: true },
        });
        await tx.knownBrowser.deleteMany({ where: { idHash: { in: oldest.map((row) => row.idHash) } } });
        return true;
      }),
    endTrust(accountId, idHashes, by) {
      let count = 0;
      return orFalse(
        applyChange(deps, {
          // Holds the row: the account comes before what it has.
          write: async (tx) => ({ count: (await holdAccount(tx, accountId)) ? 1 : 0 }),
          get event() {
            return { event: 'browser.trust_ended', accountId, count } as const;
          },
          by,
          async also(tx) {
            const where = { accountId, idHash: { in: [...idHashes] }, trustedUntil: { not: null } };
            ({ count } = await tx.knownBrowser.updateMany({
              where,
              data: { trustedUntil: null, trustedFactors: null },
            }));
            if (count === 0) throw new NothingDone();
          },
        }),
      );
    },
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
