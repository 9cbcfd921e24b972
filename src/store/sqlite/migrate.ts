import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { MINUTE, type Seconds } from '../../lib/duration.ts';
import {
  type AppliedMigration,
  failedMigration,
  type Migration,
  MigrationProblem,
  readMigrations,
  unapplied,
} from '../migrations.ts';
import { closeSqliteFile, openSqliteFile, type SqliteHandle } from './sqlite-file.ts';

export const SQLITE_MIGRATIONS = join(import.meta.dirname, '../../../prisma/migrations/sqlite');

/** How long to wait for another process that is migrating the same file. */
const LOCK_WAIT: Seconds = MINUTE;

export interface MigrationSource {
  file: string;
  folder?: string;
}

const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`;

/**
 * Brings the file up to date, all or nothing, and returns the names applied. Any number of processes may call it at
 * the same time: one applies, the others wait and find nothing to do.
 */
export function migrate({
  file,
  folder = SQLITE_MIGRATIONS,
  clock = systemClock,
}: MigrationSource & { clock?: Clock }): string[] {
  const migrations = readMigrations(folder);
  return withFile(file, (handle) => {
    if (unapplied(migrations, readHistory(handle), file).length === 0) return [];
    // Migrations rebuild tables by dropping them, which would cascade; this cannot be set inside a transaction.
    handle.pragma('foreign_keys = OFF');
    return immediately(handle, () => {
      handle.exec(HISTORY_TABLE);
      const todo = unapplied(migrations, readHistory(handle), file);
      for (const migration of todo) apply(handle, migration, file, clock);
      return todo.map(({ name }) => name);
    });
  });
}

/** The names `migrate` would apply. Throws as it does for a newer database or an edited migration; changes nothing. */
export function pending({ file, folder = SQLITE_MIGRATIONS }: MigrationSource): string[] {
  const migrations = readMigrations(folder);
  const todo = existsSync(file)
    ? withFile(file, (handle) => unapplied(migrations, readHistory(handle), file))
    : migrations;
  return todo.map(({ name }) => name);
}

function withFile<T>(file: string, work: (handle: SqliteHandle) => T): T {
  let handle: SqliteHandle | undefined;
  try {
    handle = openSqliteFile({ file, lockWait: LOCK_WAIT });
    return work(handle);
  } catch (error) {
    throw explain(error, file);
  } finally {
    if (handle) closeSqliteFile(handle);
  }
}

function explain(error: unknown, file: string): unknown {
  if (error instanceof MigrationProblem || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  const advice = code.startsWith('SQLITE_BUSY')
    ? `The database ${file} has been locked for a minute; end the process that holds it and start again`
    : `The database ${file} could not be migrated; check that it is an intact SQLite file that this user may write`;
  return new MigrationProblem(`${advice} (${error.message}).`, { cause: error });
}

function immediately<T>(handle: SqliteHandle, work: () => T): T {
  handle.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    handle.exec('COMMIT');
    return result;
  } finally {
    if (handle.inTransaction) handle.exec('ROLLBACK');
  }
}

function readHistory(handle: SqliteHandle): AppliedMigration[] {
  const table = handle.prepare("SELECT 1 FROM sqlite_master WHERE name = '_prisma_migrations'").all();
  if (table.length === 0) return [];
  const columns = 'migration_name AS name, checksum, finished_at IS NOT NULL AS finished';
  const rows = handle
    .prepare(`SELECT ${columns} FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`)
    .all() as { name: string; checksum: string; finished: number }[];
  return rows.map(({ name, checksum, finished }) => ({ name, checksum, finished: finished === 1 }));
}

function apply(handle: SqliteHandle, { name, sql, checksum }: Migration, file: string, clock: Clock): void {
  const startedAt = clock();
  try {
    handle.exec(sql);
    const broken = handle.pragma('foreign_key_check') as { table: string }[];
    if (broken[0]) throw new Error(`rows of ${broken[0].table} refer to nothing`);
  } catch (error) {
    throw failedMigration(name, file, error);
  }
  handle
    .prepare(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES (?, ?, ?, ?, ?, 1)`,
    )
    .run(randomUUID(), checksum, name, startedAt, clock());
}
