import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Job } from '../../outbox/outbox.ts';
import type { AuditRow } from './audit-row.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { jobRow } from './outbox.ts';

type Stamp = { updatedAt: Date; notBefore?: Date };

export interface Change {
  /** Writes the row, with the times it is given. Says how many rows there were. */
  write(tx: Transaction, stamp: Stamp): Promise<{ count: number }>;
  event: AuditEvent;
  by: By;
  /** Where access ends: everything older is refused from now on, and this job removes it. */
  ending?: (before: number) => Job;
  also?: (tx: Transaction, at: Date) => Promise<unknown>;
}

/** A change, its audit event and its job, in one transaction. False where there is no such row: nothing was written. */
export function applyChange(
  { prisma, clock, auditRow }: { prisma: PrismaClient; clock: Clock; auditRow: AuditRow },
  { write, event, by, ending, also }: Change,
): Promise<boolean> {
  const at = new Date(clock());
  return prisma.$transaction(async (tx) => {
    const { count } = await write(tx, { updatedAt: at, ...(ending && { notBefore: at }) });
    if (count === 0) return false;
    await also?.(tx, at);
    await tx.auditEvent.create({ data: auditRow(event, by, at) });
    if (ending) await tx.outboxMessage.create({ data: jobRow(ending(at.getTime()), at) });
    return true;
  });
}
