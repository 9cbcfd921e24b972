import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Chosen, Deliveries, Delivery } from '../../outbox/deliveries.ts';
import type { ChangeDeps } from './change.ts';
import type { PrismaClient, Transaction } from './database.ts';

const MESSAGES: Delivery['message'][] = ['backchannel-logout', 'security-event'];
/** A statement has room for so many ids, and for more. */
const SLICE = 500;

type Report = (clientId: string, count: number) => AuditEvent;
type Change = (tx: Transaction, ids: string[]) => Promise<{ count: number }>;

export function prismaDeliveries({ prisma, clock, auditRow }: ChangeDeps): Deliveries {
  async function read(tx: Pick<PrismaClient, 'outboxMessage'>): Promise<Delivery[]> {
    const where = { kind: { in: MESSAGES } };
    const rows = await tx.outboxMessage.findMany({ where, orderBy: { createdAt: 'asc' } });
    return rows.map(({ id, kind, payload, createdAt, attempts, dueAt, doneAt, lastError }) => {
      const message = kind as Delivery['message'];
      const { clientId, accountId } = JSON.parse(payload) as Pick<Delivery, 'clientId' | 'accountId'>;
      return {
        ...{ id, message, clientId, accountId, createdAt: createdAt.getTime(), attempts, lastError },
        dueAt: doneAt === null ? dueAt.getTime() : null,
      };
    });
  }

  /** With one event for each application. */
  function change(report: Report, chosen: Chosen, by: By, write: Change) {
    const isChosen = ({ id, clientId }: Delivery) =>
      'ids' in chosen ? chosen.ids.includes(id) : chosen.clientId === clientId;
    return prisma.$transaction(async (tx) => {
      const perClient = Map.groupBy((await read(tx)).filter(isChosen), ({ clientId }) => clientId);
      let all = 0;
      for (const [clientId, deliveries] of perClient) {
        const ids = deliveries.map(({ id }) => id);
        let count = 0;
        while (ids.length > 0) count += (await write(tx, ids.splice(0, SLICE))).count;
        if (count > 0) await tx.auditEvent.create({ data: auditRow(report(clientId, count), by, new Date(clock())) });
        all += count;
      }
      return all;
    });
  }

  return {
    list: () => read(prisma),
    retry: (chosen, by) =>
      change(
        (clientId, count) => ({ event: 'delivery.retried', clientId, count }),
        chosen,
        by,
        (tx, ids) =>
          tx.outboxMessage.updateMany({
            where: { id: { in: ids }, doneAt: { not: null } },
            data: { doneAt: null, dueAt: new Date(clock()), attempts: 0 },
          }),
      ),
    drop: (chosen, by) =>
      change(
        (clientId, count) => ({ event: 'delivery.dropped', clientId, count }),
        chosen,
        by,
        (tx, ids) => tx.outboxMessage.deleteMany({ where: { id: { in: ids } } }),
      ),
  };
}
