import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { NewJob } from '../../outbox/outbox.ts';
import { newsOf, withNews } from './account-news.ts';
import type { AuditRow } from './audit-row.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { jobRow } from './outbox.ts';

/** What a change is written with. */
export interface ChangeDeps {
  prisma: PrismaClient;
  clock: Clock;
  auditRow: AuditRow;
}

/** The same, where letters or seals go with it. */
export interface SealedChangeDeps extends ChangeDeps {
  sealer: Sealer;
}

export interface Change {
  /** Writes the row, with the time it is given. Says how many rows there were. */
  write(tx: Transaction, stamp: { updatedAt: Date }): Promise<{ count: number }>;
  /** Read last: it may tell of what the change found. */
  readonly event: AuditEvent;
  /** What applications are told of instead, where it is not the event. */
  news?: AuditEvent;
  by: By;
  /** Where access ends. */
  ending?: {
    /** Refuses everything older from now on, unless what is younger is refused already. */
    refuse(tx: Transaction, before: Date): Promise<unknown>;
    /** Removes what is refused. */
    job(before: number): NewJob;
  };
  also?: (tx: Transaction, at: Date) => Promise<unknown>;
}

/** A change, its audit event and its job, in one transaction. False where there is no such row: nothing was written. */
export function applyChange(
  {
    prisma,
    clock,
    auditRow,
    transaction = (work) => prisma.$transaction(work),
  }: ChangeDeps & {
    /** Where it must come one after another with others. */
    transaction?: (work: (tx: Transaction) => Promise<boolean>) => Promise<boolean>;
  },
  change: Change,
): Promise<boolean> {
  const { write, by, ending, also } = change;
  return transaction(async (tx) => {
    const { count } = await write(tx, { updatedAt: new Date(clock()) });
    if (count === 0) return false;
    // The row is locked by now. A time from before the wait for it would spare whoever signed in meanwhile.
    const at = new Date(clock());
    await ending?.refuse(tx, at);
    // Before what may remove the account, and its consents with it.
    const news = await newsOf(tx, change.news ?? change.event, { by, at, ends: ending !== undefined });
    await also?.(tx, at);
    await tx.auditEvent.create({ data: auditRow(change.event, by, at) });
    const job = ending ? withNews(ending.job(at.getTime()), news) : news;
    if (job) await tx.outboxMessage.create({ data: jobRow(job, at) });
    return true;
  });
}

/** Thrown inside a transaction to take back what it wrote. */
export class NothingDone extends Error {}

/** False where the change found, late, that it must not be. */
export async function orFalse(change: Promise<boolean>): Promise<boolean> {
  try {
    return await change;
  } catch (err) {
    if (err instanceof NothingDone) return false;
    throw err;
  }
}
