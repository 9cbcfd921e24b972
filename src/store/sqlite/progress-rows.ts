import type { DatabaseSync } from 'node:sqlite';
import type { ProgressRows } from '../progress.ts';

export function sqliteProgressRows(db: DatabaseSync): ProgressRows {
  const sql = {
    get: db.prepare('SELECT version, sealed FROM progress WHERE id_hash = ? AND expires_at > ?'),
    insert:
      db.prepare(`INSERT INTO progress (id_hash, version, expires_at, sealed) VALUES (:idHash, 1, :expiresAt, :sealed)
      ON CONFLICT (id_hash) DO UPDATE SET version = 1, expires_at = excluded.expires_at, sealed = excluded.sealed
      WHERE expires_at <= :now`),
    update: db.prepare(`UPDATE progress SET version = version + 1, expires_at = :expiresAt, sealed = :sealed
      WHERE id_hash = :idHash AND version = :version AND expires_at > :now`),
  };

  return {
    async load(idHash, now) {
      const row = sql.get.get(idHash, now);
      return row ? { version: Number(row['version']), sealed: row['sealed'] as Uint8Array } : null;
    },
    insert: async (idHash, row, now) => sql.insert.run({ idHash, now, ...row }).changes === 1,
    update: async (idHash, version, row, now) => sql.update.run({ idHash, version, now, ...row }).changes === 1,
  };
}
