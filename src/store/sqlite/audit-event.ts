import type { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '../../audit/audit.ts';
import { BY_OPERATOR } from '../../lib/by.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { clearRow } from '../prisma/audit-row.ts';

/** For what changes the file as a whole, where no Prisma client is open. Joins the transaction under way. */
export function insertAuditEvent(db: DatabaseSync, event: AuditEvent, at: Milliseconds): void {
  const row = { ...clearRow(event, BY_OPERATOR, new Date(at)), at };
  const columns = Object.keys(row);
  const values = columns.map((column) => `:${column}`);
  db.prepare(`INSERT INTO AuditEvent (${columns.join(', ')}) VALUES (${values.join(', ')})`).run(row);
}
