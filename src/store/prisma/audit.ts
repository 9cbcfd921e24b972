import type { Audit, AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import type { PrismaClient } from './database.ts';

/** The row of an event, to be inserted with the change that it reports. */
export function auditRow(event: AuditEvent, by: By, at: Date) {
  const {
    event: name,
    accountId = null,
    clientId = null,
    ...detail
  } = {
    accountId: null,
    clientId: null,
    ...event,
  } as { event: string; accountId: string | null; clientId: string | null };
  const { actor, address, requestId } = by;
  return {
    id: newId('evt'),
    at,
    event: name,
    actor,
    accountId,
    clientId,
    address,
    requestId,
    detail: JSON.stringify(detail),
  };
}

export function prismaAudit({ prisma, clock }: { prisma: PrismaClient; clock: Clock }): Audit {
  return {
    async write(event, by) {
      await prisma.auditEvent.create({ data: auditRow(event, by, new Date(clock())) });
    },
  };
}
