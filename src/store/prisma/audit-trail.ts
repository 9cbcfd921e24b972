import { signed } from '../../audit/chain.ts';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { toEntry, toEvent, whereOf } from './audit-events.ts';
import { clearRow } from './audit-row.ts';
import { auditSealing, CHAIN } from './audit-sealing.ts';
import type { Database } from './database.ts';

export function prismaAuditTrail(deps: { database: Database; sealer: Sealer; key: Buffer; clock: Clock }): AuditTrail {
  const { database, sealer, key, clock } = deps;
  const { prisma, exclusively } = database;
  const sealed = { sequence: { not: null } } as const;

  return {
    ...auditSealing(deps),
    async pending() {
      const where = { sequence: null };
      const [count, oldest] = [
        await prisma.auditEvent.count({ where }),
        await prisma.auditEvent.findFirst({ where, orderBy: { at: 'asc' }, select: { at: true } }),
      ];
      return { count, oldest: oldest?.at.getTime() ?? null };
    },
    async anchor() {
      const row = await prisma.auditAnchor.findUnique({ where: { id: 1 } });
      if (!row) return null;
      const { sequence, hash, at, mac } = row;
      return { sequence, hash, at: at.getTime(), mac };
    },
    length: () => prisma.auditEvent.count({ where: sealed }),
    async after(sequence, take, filter = {}) {
      const where = { AND: [{ sequence: { gt: sequence } }, whereOf(filter)] };
      const rows = await prisma.auditEvent.findMany({ where, orderBy: { sequence: 'asc' }, take });
      return rows.map((row) => toEntry(sealer, row));
    },
    async latest(take, filter = {}) {
      const orderBy = [{ at: 'desc' }, { id: 'desc' }] as const;
      const rows = await prisma.auditEvent.findMany({ where: whereOf(filter), orderBy: [...orderBy], take });
      return rows.map((row) => toEvent(sealer, row));
    },
    async erasable(accountIds) {
      const ids = [...accountIds];
      const there = await prisma.account.findMany({ where: { id: { in: ids } }, select: { id: true } });
      const gone = ids.filter((id) => !there.some((account) => account.id === id));
      // The word of it may have been cut off with the beginning.
      if ((await prisma.auditAnchor.count()) > 0) return new Set(gone);
      const where = { event: 'account.deleted', accountId: { in: gone } };
      const told = await prisma.auditEvent.findMany({ where, select: { accountId: true } });
      return new Set(told.map(({ accountId }) => accountId as string));
    },
    async lastBefore(before) {
      const at = new Date(before);
      const kept = await prisma.auditEvent.findFirst({
        where: { ...sealed, at: { gte: at } },
        orderBy: { sequence: 'asc' },
        select: { sequence: true },
      });
      const last = await prisma.auditEvent.findFirst({
        where: { sequence: kept ? { lt: kept.sequence as number } : sealed.sequence },
        orderBy: { sequence: 'desc' },
        select: { sequence: true },
      });
      return last?.sequence ?? null;
    },
    cut(from, { sequence, mac: hash }, recorded) {
      return exclusively(CHAIN, async (tx) => {
        const now = new Date(clock());
        const anchor = await tx.auditAnchor.findUnique({ where: { id: 1 } });
        if ((anchor?.sequence ?? 0) !== from) return false;
        const data = signed(key, 'anchor', { sequence, hash, at: now.getTime() });
        await tx.auditAnchor.upsert({
          where: { id: 1 },
          create: { id: 1, ...data, at: now },
          update: { ...data, at: now },
        });
        await tx.auditEvent.deleteMany({ where: { sequence: { lte: sequence } } });
        if (recorded) {
          const { through, before, by } = recorded;
          const event = { event: 'audit.pruned', through, before: new Date(before).toISOString() } as const;
          await tx.auditEvent.create({ data: clearRow(event, by, now) });
        }
        return true;
      });
    },
  };
}
