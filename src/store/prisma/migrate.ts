import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { MINUTE, type Seconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { closeSqliteFile, openSqliteFile, type SqliteHandle } from './sqlite-file.ts';

export const SQLITE_MIGRATIONS = join(import.meta.dirname, '../../../prisma/migrations/sqlite');

/** How long to wait for another process that is migrating the same file. */
const LOCK_WAIT: Seconds = MINUTE;

/** The database and this program do not fit together, or could not be made to. */
export class MigrationProblem extends OperatorProblem {
  override name = 'MigrationProblem';
}

export interface MigrationSource {
  file: string;
  /** Prisma's layout: `<NNNN_name>/migration.sql`, applied in the order of their names. */
  folder?: string;
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

interface AppliedRow {
  migration_name: string;
  checksum: string;
  finished_at: number | null;
}

// Prisma's own table, so that its tools read the history too.
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
    if (unapplied(handle, migrations, file).length === 0) return [];
    // Migrations rebuild tables by dropping them, which would cascade; this cannot be set inside a transaction.
    handle.pragma('foreign_keys = OFF');
    return immediately(handle, () => {
      handle.exec(HISTORY_TABLE);
      const todo = unapplied(handle, migrations, file);
      for (const migration of todo) apply(handle, migration, file, clock);
      return todo.map(({ name }) => name);
    });
  });
}

/** The names `migrate` would apply. Throws as it does for a newer database or an edited migration; changes nothing. */
export function pending({ file, folder = SQLITE_MIGRATIONS }: MigrationSource): string[] {
  const migrations = readMigrations(folder);
  const todo = existsSync(file) ? withFile(file, (handle) => unapplied(handle, migrations, file)) : migrations;
  return todo.map(({ name }) => name);
}

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names
    .map(({ name }) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
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

function unapplied(handle: SqliteHandle, migrations: Migration[], file: string): Migration[] {
  const applied = readHistory(handle);
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of applied) {
    const name = row.migration_name;
    const migration = known.get(name);
    if (!migration) {
      throw new MigrationProblem(
        `The database ${file} was written by a newer version of this program (migration ${name} is unknown here); ` +
          'start that version, or restore a backup made before the upgrade.',
      );
    }
    if (row.finished_at === null) {
      throw new MigrationProblem(
        `Migration ${name} was begun on ${file} by another tool and never finished; restore a backup made before it.`,
      );
    }
    if (row.checksum !== migration.checksum) {
      throw new MigrationProblem(
        `Migration ${name} was edited after it had been applied to ${file}; ` +
          'put its original migration.sql back and write the change as a new migration.',
      );
    }
    known.delete(name);
  }
  return [...known.values()];
}

function readHistory(handle: SqliteHandle): AppliedRow[] {
  const table = handle.prepare("SELECT 1 FROM sqlite_master WHERE name = '_prisma_migrations'").all();
  if (table.length === 0) return [];
  const columns = 'migration_name, checksum, finished_at';
  return handle
    .prepare(`SELECT ${columns} FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`)
    .all() as AppliedRow[];
}

function apply(handle: SqliteHandle, { name, sql, checksum }: Migration, file: string, clock: Clock): void {
  const startedAt = clock();
  try {
    handle.exec(sql);
    const broken = handle.pragma('foreign_key_check') as { table: string }[];
    if (broken[0]) throw new Error(`rows of ${broken[0].table} refer to nothing`);
  } catch (error) {
    throw new MigrationProblem(
      `Migration ${name} failed on ${file} and nothing was changed (${(error as Error).message}); ` +
        'start the version that was running before, and report this.',
      { cause: error },
    );
  }
  handle
    .prepare(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES (?, ?, ?, ?, ?, 1)`,
    )
    .run(randomUUID(), checksum, name, startedAt, clock());
}
