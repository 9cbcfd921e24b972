import { type Entry, type Head, linkAfter, type SignedHead, START, signed } from '../../audit/chain.ts';
import { Prisma } from '../../generated/sqlite/client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { type EventRow, toRecorded } from './audit-events.ts';
import { sealPersonal } from './audit-row.ts';
import type { Database, Transaction } from './database.ts';

/** Held by whatever lengthens the chain, or cuts it. */
export const CHAIN = 'audit-chain';

/** Chains what is not yet, one instance at a time: the lock goes with the transaction, and so with a process that dies. */
export function auditSealing({
  database: { prisma, exclusively },
  sealer,
  key,
  clock,
}: {
  database: Database;
  sealer: Sealer;
  key: Buffer;
  clock: Clock;
}) {
  async function sealBatch(tx: Transaction, limit: number): Promise<{ count: number; head: SignedHead } | null> {
    const rows = await tx.auditEvent.findMany({
      where: { sequence: null },
      orderBy: [{ at: 'asc' }, { id: 'asc' }],
      take: limit,
    });
    if (rows.length === 0) return null;
    let last = await lastOf(tx);
    const entries: Entry[] = [];
    for (const row of rows) {
      const entry = linkAfter(key, last, toRecorded(await withoutAddress(tx, row)));
      entries.push(entry);
      last = { ...last, sequence: entry.sequence, hash: entry.mac };
    }
    await writeLinks(tx, entries);
    await forget(tx, rows);
    return { count: rows.length, head: signed(key, 'head', { ...last, at: clock() }) };
  }

  /** Of events from before personal fields were sealed. */
  async function withoutAddress(tx: Transaction, row: EventRow): Promise<EventRow> {
    if (row.address === null) return row;
    const { id, address } = row;
    const sealed = { address: null, ...sealPersonal(sealer, id, { address, browser: null }) };
    await tx.auditEvent.update({ where: { id }, data: sealed });
    return { ...row, ...sealed };
  }

  return {
    async seal(limit: number) {
      const waiting = await prisma.auditEvent.findFirst({ where: { sequence: null }, select: { id: true } });
      return waiting === null ? null : exclusively(CHAIN, (tx) => sealBatch(tx, limit));
    },
  };
}

export async function lastOf(tx: Transaction): Promise<Head> {
  const last = await tx.auditEvent.findFirst({
    where: { sequence: { not: null } },
    orderBy: { sequence: 'desc' },
    select: { sequence: true, mac: true },
  });
  if (last) return { sequence: last.sequence as number, hash: last.mac ?? '', at: 0 };
  const anchor = await tx.auditAnchor.findUnique({ where: { id: 1 } });
  return anchor ? { sequence: anchor.sequence, hash: anchor.hash, at: 0 } : START;
}

/** All in one statement, which both engines read. */
async function writeLinks(tx: Transaction, entries: readonly Entry[]): Promise<void> {
  const rows = entries.map(
    ({ id, sequence, previous, mac }) => Prisma.sql`(${id}, ${String(sequence)}, ${previous}, ${mac})`,
  );
  await tx.$executeRaw`UPDATE "AuditEvent"
    SET "sequence" = CAST(link.column2 AS INTEGER), "previous" = link.column3, "mac" = link.column4
    FROM (VALUES ${Prisma.join(rows)}) AS link WHERE "AuditEvent"."id" = link.column1`;
}

/** What was still under way when somebody was deleted, and was written after that. */
async function forget(tx: Transaction, rows: readonly EventRow[]): Promise<void> {
  const people = [...new Set(rows.flatMap(({ person, sealedPersonal }) => (person && sealedPersonal ? [person] : [])))];
  const there = await tx.account.findMany({ where: { id: { in: people } }, select: { id: true } });
  const deleted = rows.flatMap(({ event, accountId }) => (event === 'account.deleted' && accountId ? [accountId] : []));
  const gone = [...deleted, ...people.filter((person) => !there.some(({ id }) => id === person))];
  for (const person of gone) await erasePersonal(tx, person);
}

/** Their hash stays, and the chain with it. */
export async function erasePersonal(tx: Transaction, person: string): Promise<void> {
  await tx.auditEvent.updateMany({ where: { person }, data: { sealedPersonal: null, address: null } });
}
