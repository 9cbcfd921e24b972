import type { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';
import { inTransaction } from './state-file.ts';

const BATCH = 50;

/** Deletes some of what expired, so little that no request waits for it. @returns how many rows went, 0 when done */
export function sweepBatch(db: DatabaseSync, now: Milliseconds): number {
  let swept = sweepSessions(db, now);
  for (const [table, key] of [
    ['artifact', 'kind, id_hash'],
    ['death', 'subject'],
    ['attempt', 'subject'],
    ['progress', 'id_hash'],
  ]) {
    swept += Number(
      db
        .prepare(
          `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE expires_at < ? LIMIT ${BATCH})`,
        )
        .run(now).changes,
    );
  }
  return swept;
}

/** With its row in the index a session loses its authorizations: nothing else would find them again. */
function sweepSessions(db: DatabaseSync, now: Milliseconds): number {
  return inTransaction(db, () => {
    const uids = db
      .prepare(
        `DELETE FROM session WHERE uid IN (SELECT uid FROM session WHERE expires_at < ? LIMIT ${BATCH}) RETURNING uid`,
      )
      .all(now)
      .map((row) => row['uid']);
    if (uids.length === 0) return 0;
    const { changes } = db
      .prepare('DELETE FROM session_authorization WHERE uid IN (SELECT value FROM json_each(?))')
      .run(JSON.stringify(uids));
    return uids.length + Number(changes);
  });
}
