import { Client, type QueryResultRow } from 'pg';
import type { Clock } from '../../lib/clock.ts';
import { type Seconds, toMilliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { migrate } from '../postgresql/migrate.ts';
import { nameOf, openPool } from '../postgresql/pool.ts';
import { explainDatabaseError } from '../postgresql/problem.ts';
import type { InstallationRow } from '../sqlite/both-files.ts';
import { createDigest, type Digest } from './digest.ts';
import type { Column, Table, Value } from './tables.ts';
import { asText, toJson } from './values.ts';

const CONNECT_WITHIN: Seconds = 5;
const FETCHED_AT_ONCE = 2_000;
/** lock_not_available */
const LOCKED = '55P03';

type Ask = <R extends QueryResultRow>(sql: string, values?: unknown[]) => Promise<R[]>;

/** The PostgreSQL database that an installation is copied into, as its own owner: no pool, no limit of time. */
export interface Target {
  name: string;
  /** `foreign`: it holds something else. */
  standing(of: InstallationRow): Promise<'empty' | 'arriving' | 'open' | 'foreign'>;
  /** Makes the tables, and says in them that they are not to be served from yet. */
  claim(installation: InstallationRow, tables: readonly Table[]): Promise<void>;
  /** The transaction that all rows are written and read in. */
  begin(): Promise<void>;
  /** Takes out what an earlier try left behind. */
  clear(tables: readonly Table[]): Promise<void>;
  insert(table: Table, rows: readonly Value[][]): Promise<void>;
  digest(table: Table, onRows: (count: number) => void): Promise<Digest>;
  commit(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** @throws {OperatorProblem} */
export async function openTarget({ url, clock }: { url: string; clock: Clock }): Promise<Target> {
  const name = nameOf(url);
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: toMilliseconds(CONNECT_WITHIN),
    keepAlive: true,
    application_name: 'gatewright database copy',
  });
  // One that breaks tells the statement under way; unheard, the event would end the process.
  client.on('error', () => {});
  const ask: Ask = async (sql, values) => {
    try {
      return (await client.query(sql, values)).rows;
    } catch (err) {
      throw explained(err, name);
    }
  };
  try {
    await client.connect();
  } catch (err) {
    throw explained(err, name);
  }

  return {
    name,
    standing: (of) => standing(ask, of),
    async claim(installation, tables) {
      await makeTables(url, name, clock);
      await claim(ask, name, installation, tables);
    },
    async begin() {
      await ask('BEGIN');
      await ask('SET LOCAL statement_timeout = 0');
      await ask('SET LOCAL idle_in_transaction_session_timeout = 0');
      await ask(`SELECT 1 FROM "Installation" FOR UPDATE NOWAIT`);
    },
    async clear(tables) {
      await ask(`TRUNCATE ${tables.map(quoted).join(', ')}`);
    },
    async insert(table, rows) {
      const { columns } = table;
      const records = rows.map((row) =>
        Object.fromEntries(columns.map((column, at) => [column.name, toJson(column, row[at] ?? null)])),
      );
      const list = columns.map(quoted).join(', ');
      const sql = `INSERT INTO ${quoted(table)} (${list})
        SELECT ${list} FROM json_populate_recordset(NULL::${quoted(table)}, $1::json)`;
      await ask(sql, [JSON.stringify(records)]);
    },
    digest: (table, onRows) => digest(ask, table, onRows),
    async commit() {
      await ask('COMMIT');
      // What the planner knows of empty tables is wrong now.
      await ask('ANALYZE');
    },
    async open() {
      await ask(`UPDATE "Installation" SET standing = 'open' WHERE standing = 'arriving'`);
    },
    close: () => client.end(),
  };
}

function explained(err: unknown, name: string): unknown {
  if ((err as { code?: string }).code === LOCKED) {
    return new OperatorProblem(`another copy into ${name} is under way: let it finish`, { cause: err });
  }
  const problem = explainDatabaseError(err, name);
  if (!(problem instanceof OperatorProblem)) return problem;
  return new OperatorProblem(problem.message.replaceAll('DATABASE_URL', '--to'), { cause: err });
}

const quoted = ({ name }: { name: string }) => `"${name}"`;

async function standing(ask: Ask, of: InstallationRow): ReturnType<Target['standing']> {
  const [found] = await ask<{ made: boolean; tables: string }>(
    `SELECT to_regclass('"Installation"') IS NOT NULL AS made,
      (SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()) AS tables`,
  );
  if (!found?.made) return found?.tables === '0' ? 'empty' : 'foreign';
  const [row] = await ask<{ isSame: boolean; standing: string }>(
    `SELECT issuer = $1 AND "keyringId" = $2 AND (extract(epoch FROM "createdAt") * 1000)::bigint = $3 AS "isSame", standing
     FROM "Installation"`,
    [of.issuer, of.keyringId, of.createdAt],
  );
  if (!row) return 'empty';
  return row.isSame && (row.standing === 'arriving' || row.standing === 'open') ? row.standing : 'foreign';
}

async function makeTables(url: string, name: string, clock: Clock): Promise<void> {
  const pool = openPool({ url, size: 1 });
  try {
    await migrate({ pool, name, clock });
  } catch (err) {
    throw explained(err, name);
  } finally {
    await pool.end();
  }
}

async function claim(ask: Ask, name: string, installation: InstallationRow, tables: readonly Table[]): Promise<void> {
  const [server] = await ask<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`);
  if (server?.encoding !== 'UTF8') {
    throw new OperatorProblem(`the database ${name} has the encoding ${server?.encoding}: make one with UTF8`);
  }
  const { issuer, rpId, keyringId, createdAt } = installation;
  const [made] = await ask(
    `INSERT INTO "Installation" (id, issuer, "rpId", "keyringId", "createdAt", standing)
     VALUES (1, $1, $2, $3, $4::timestamptz AT TIME ZONE 'UTC', 'arriving') ON CONFLICT DO NOTHING RETURNING id`,
    [issuer, rpId, keyringId, new Date(createdAt).toISOString()],
  );
  if (!made) {
    if ((await standing(ask, installation)) === 'arriving') return;
    throw notEmpty(name);
  }
  for (const table of tables) {
    const rows = await ask(`SELECT 1 FROM ${quoted(table)} LIMIT 1`);
    if (rows.length === 0) continue;
    await ask('DELETE FROM "Installation"');
    throw notEmpty(name);
  }
}

export function notEmpty(name: string): OperatorProblem {
  return new OperatorProblem(
    `the database ${name} is not empty: make a new one (createdb), since nothing is copied over what is there`,
  );
}

async function digest(ask: Ask, table: Table, onRows: (count: number) => void): Promise<Digest> {
  const found = createDigest();
  const columns = table.columns.map((column, at) => `${asText(column)} AS c${at}`).join(', ');
  // By bytes, as SQLite sorts.
  const order = table.key
    .map(({ name, type }: Column) => `"${name}"${type === 'text' ? ' COLLATE "C"' : ''}`)
    .join(', ');
  await ask(`DECLARE compared NO SCROLL CURSOR FOR SELECT ${columns} FROM ${quoted(table)} ORDER BY ${order}`);
  for (;;) {
    const rows = await ask<Record<string, string | null>>(`FETCH ${FETCHED_AT_ONCE} FROM compared`);
    for (const row of rows) found.add(Object.values(row));
    onRows(rows.length);
    if (rows.length < FETCHED_AT_ONCE) break;
  }
  await ask('CLOSE compared');
  return found.result();
}
