import type { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';

const BATCH = 500;

/** Deletes what expired, in batches so small that no request waits for them. @returns how many rows went */
export function sweepBatch(db: DatabaseSync, now: Milliseconds): number {
  let swept = 0;
  for (const [table, key] of [
    ['artifact', 'kind, id_hash'],
    ['session', 'uid'],
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
  swept += Number(
    db
      .prepare(
        `DELETE FROM session_authorization WHERE (uid, client_id) IN (SELECT uid, client_id FROM session_authorization
           WHERE NOT EXISTS (SELECT 1 FROM session WHERE session.uid = session_authorization.uid) LIMIT ${BATCH})`,
      )
      .run().changes,
  );
  return swept;
}
