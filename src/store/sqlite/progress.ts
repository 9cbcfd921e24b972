import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../lib/clock.ts';
import { sha256 } from '../../lib/hash.ts';
import type { ProgressStore } from '../../lib/progress.ts';
import type { Sealer } from '../../lib/sealing.ts';

/** @param kind keeps the progress of different flows apart */
export function sqliteProgress<T>(
  { db, sealer, clock }: { db: DatabaseSync; sealer: Sealer; clock: Clock },
  kind: string,
): ProgressStore<T> {
  const sql = {
    get: db.prepare('SELECT version, sealed FROM progress WHERE id_hash = ? AND expires_at > ?'),
    // Progress that expired counts as absent, also where the sweep has not come by yet.
    insert:
      db.prepare(`INSERT INTO progress (id_hash, version, expires_at, sealed) VALUES (:idHash, 1, :expiresAt, :sealed)
      ON CONFLICT (id_hash) DO UPDATE SET version = 1, expires_at = excluded.expires_at, sealed = excluded.sealed
      WHERE expires_at <= :now`),
    update: db.prepare(`UPDATE progress SET version = version + 1, expires_at = :expiresAt, sealed = :sealed
      WHERE id_hash = :idHash AND version = :version AND expires_at > :now`),
  };
  const place = `progress/${kind}`;
  const hash = (id: string) => sha256(`${kind}/${id}`);

  return {
    async load(id) {
      const row = sql.get.get(hash(id), clock());
      if (!row) return null;
      const value = JSON.parse(sealer.unseal(place, hash(id), row['sealed'] as Uint8Array)) as T;
      return { value, version: Number(row['version']) };
    },
    async save(id, value, version, expiresAt) {
      const idHash = hash(id);
      const fields = { idHash, expiresAt, now: clock(), sealed: sealer.seal(place, idHash, JSON.stringify(value)) };
      const done = version === 0 ? sql.insert.run(fields) : sql.update.run({ ...fields, version });
      return done.changes === 1;
    },
  };
}
