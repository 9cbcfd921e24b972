import type { OwnActivity, OwnEvent } from '../../audit/activity.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { type EventRow, toEvent } from './audit-events.ts';
import type { PrismaClient } from './database.ts';

export function prismaActivity({ prisma, sealer }: { prisma: PrismaClient; sealer: Sealer }): OwnActivity {
  return {
    async page(accountId, limit, before) {
      const at = before && new Date(before.at);
      const rows = await prisma.auditEvent.findMany({
        // The first condition follows from the second, and is what an index can begin at.
        where: {
          accountId,
          ...(before && at && { at: { lte: at }, OR: [{ at: { lt: at } }, { id: { lt: before.id } }] }),
        },
        orderBy: [{ at: 'desc' }, { id: 'desc' }],
        take: limit,
      });
      const ids = [...new Set(rows.map(({ clientId }) => clientId).filter((id) => id !== null))];
      const clients = await prisma.client.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } });
      const names = new Map(clients.map(({ id, name }) => [id, name]));
      return rows.map((row) => toOwn(sealer, row, accountId, names));
    },
  };
}

function toOwn(sealer: Sealer, row: EventRow, accountId: string, names: ReadonlyMap<string, string>): OwnEvent {
  const { id, at, event, outcome, actor, clientId, detail, personal, person } = toEvent(sealer, row);
  const own = person === accountId ? personal : null;
  return {
    ...{ id, at, event, outcome: outcome as OwnEvent['outcome'] },
    by: actor === accountId ? 'self' : actor === 'visitor' ? 'visitor' : 'others',
    factor: factorIn(detail),
    ...{ address: own?.address ?? null, browser: own?.browser ?? null },
    ...{ clientId, application: (clientId && names.get(clientId)) ?? null },
  };
}

/** What somebody changed who can write to the database may be no JSON: the rest of the page is shown all the same. */
function factorIn(detail: string): string | null {
  try {
    const { factor } = JSON.parse(detail) as { factor?: unknown };
    return typeof factor === 'string' ? factor : null;
  } catch {
    return null;
  }
}
