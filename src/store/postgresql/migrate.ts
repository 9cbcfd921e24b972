import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import type { Clock } from '../../lib/clock.ts';
import { DAY, MINUTE, type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';
import { type AppliedMigration, failedMigration, type Migration, readMigrations, unapplied } from '../migrations.ts';
import { nameOf, openPool } from './pool.ts';
import { adviceFor, explainDatabaseError } from './problem.ts';
import { checkServer } from './server-check.ts';

export const POSTGRESQL_MIGRATIONS = join(import.meta.dirname, '../../../prisma/migrations/postgresql');

/** How long to wait for another instance that is migrating, or that uses a table which is to be changed. */
const LOCK_WAIT: Seconds = MINUTE;
/** A large table takes as long as it takes, but not for ever. */
const LONGEST_MIGRATION: Milliseconds = toMilliseconds(DAY);

const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum"              VARCHAR(64) NOT NULL,
    "finished_at"           TIMESTAMPTZ,
    "migration_name"        VARCHAR(255) NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        TIMESTAMPTZ,
    "started_at"            TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count"   INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Brings the database up to date, all or nothing, and returns the names applied. Any number of instances may call it at
 * the same time: one applies, the others wait and find nothing to do.
 * @param name what to call the database in a sentence
 * @throws {OperatorProblem}
 */
export async function migrate({
  pool,
  name,
  clock,
  folder = POSTGRESQL_MIGRATIONS,
  lockWait = LOCK_WAIT,
}: {
  pool: Pool;
  name: string;
  clock: Clock;
  folder?: string;
  lockWait?: Seconds;
}): Promise<string[]> {
  const migrations = readMigrations(folder);
  return withConnection(pool, name, async (connection) => {
    if (unapplied(migrations, await readHistory(connection), name).length === 0) return [];
    return alone(connection, lockWait, async () => {
      await connection.query(HISTORY_TABLE);
      const todo = unapplied(migrations, await readHistory(connection), name);
      for (const migration of todo) await apply(connection, migration, name, clock);
      return todo.map(({ name }) => name);
    });
  });
}

/** The names `migrate` would apply. Throws as it does for a newer database or an edited migration; changes nothing. */
export function pending(url: string, folder = POSTGRESQL_MIGRATIONS): Promise<string[]> {
  return look(url, async (connection) =>
    unapplied(readMigrations(folder), await readHistory(connection), nameOf(url)).map(({ name }) => name),
  );
}

/** Whether no installation was ever made there. @throws {OperatorProblem} where that cannot be seen */
export function isEmpty(url: string): Promise<boolean> {
  return look(url, async (connection) => {
    if (!(await hasTable(connection, 'Installation'))) return true;
    const { rows } = await connection.query('SELECT 1 FROM "Installation" LIMIT 1');
    return rows.length === 0;
  });
}

async function look<T>(url: string, work: (connection: PoolClient) => Promise<T>): Promise<T> {
  const pool = openPool({ url, size: 1 });
  try {
    return await withConnection(pool, nameOf(url), work);
  } finally {
    await pool.end();
  }
}

async function withConnection<T>(pool: Pool, name: string, work: (connection: PoolClient) => Promise<T>): Promise<T> {
  let connection: PoolClient | undefined;
  let failed = false;
  try {
    connection = await pool.connect();
    // One that breaks tells the statement under way, and then whoever listens: unheard, that would end the process.
    connection.on('error', ignore);
    await checkServer(connection, name);
    return await work(connection);
  } catch (err) {
    failed = true;
    throw explainDatabaseError(err, name);
  } finally {
    connection?.off('error', ignore);
    connection?.release(failed);
  }
}

function ignore(): void {}

/** In a transaction while which no other instance migrates. */
async function alone<T>(connection: PoolClient, lockWait: Seconds, work: () => Promise<T>): Promise<T> {
  // READ COMMITTED, so that what follows the wait sees what the instance before has committed.
  await connection.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await connection.query(`SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '${lockWait}s'`);
    await connection.query(patient(`SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))`));
    const result = await work();
    await connection.query('COMMIT');
    return result;
  } catch (err) {
    // A connection that broke has nothing left to roll back.
    await connection.query('ROLLBACK').catch(ignore);
    throw err;
  }
}

/** A statement that may take long. The driver reads its own time limit from here, which its types do not know. */
function patient(text: string): QueryConfig & { query_timeout: Milliseconds } {
  return { text, query_timeout: LONGEST_MIGRATION };
}

async function readHistory(connection: PoolClient): Promise<AppliedMigration[]> {
  if (!(await hasTable(connection, '_prisma_migrations'))) return [];
  const { rows } = await connection.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
  );
  return rows;
}

async function hasTable(connection: PoolClient, table: string): Promise<boolean> {
  const { rows } = await connection.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    `"${table}"`,
  ]);
  return rows[0]?.found === true;
}

async function apply(
  connection: PoolClient,
  { name, sql, checksum }: Migration,
  database: string,
  clock: Clock,
): Promise<void> {
  const startedAt = clock();
  try {
    await connection.query(patient(sql));
  } catch (err) {
    throw adviceFor(err) === null ? failedMigration(name, database, err) : err;
  }
  await connection.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, $4, $5, 1)`,
    [randomUUID(), checksum, name, new Date(startedAt), new Date(clock())],
  );
}
