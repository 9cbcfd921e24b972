import type { Pool } from 'pg';
import type { ProgressRows } from '../progress.ts';
import { prepare } from './prepare.ts';

export function postgresqlProgressRows(pool: Pool): ProgressRows {
  const sql = {
    load: prepare<{ version: number; sealed: Uint8Array }>(
      pool,
      'progress.load',
      'SELECT version, sealed FROM progress WHERE id_hash = $1 AND expires_at > $2',
    ),
    insert: prepare(
      pool,
      'progress.insert',
      `INSERT INTO progress (id_hash, version, expires_at, sealed) VALUES ($1, 1, $2, $3)
       ON CONFLICT (id_hash) DO UPDATE SET version = 1, expires_at = excluded.expires_at, sealed = excluded.sealed
       WHERE progress.expires_at <= $4`,
    ),
    update: prepare(
      pool,
      'progress.update',
      `UPDATE progress SET version = version + 1, expires_at = $3, sealed = $4
       WHERE id_hash = $1 AND version = $2 AND expires_at > $5`,
    ),
  };

  return {
    load: async (idHash, now) => (await sql.load(idHash, now)).rows[0] ?? null,
    insert: async (idHash, { expiresAt, sealed }, now) =>
      (await sql.insert(idHash, expiresAt, sealed, now)).rowCount === 1,
    update: async (idHash, version, { expiresAt, sealed }, now) =>
      (await sql.update(idHash, version, expiresAt, sealed, now)).rowCount === 1,
  };
}
