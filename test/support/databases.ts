import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { systemClock } from '../../src/lib/clock.ts';
import { migrate } from '../../src/store/postgresql/migrate.ts';
import { nameOf, openPool } from '../../src/store/postgresql/pool.ts';

/** Where a test's server keeps its data: said by the vitest project that the test runs in. */
export type EngineName = 'sqlite' | 'postgresql' | 'redis';

export const ENGINE = (process.env['TEST_ENGINE'] ?? 'sqlite') as EngineName;

/** Null where no redis-server is installed. */
export const REDIS_URL = process.env['TEST_REDIS_URL'] ?? null;

const TEMPLATE = 'template_migrated';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/**
 * A PostgreSQL database of its own.
 * @param migrated with its tables, copied from a database that is migrated once in a run; otherwise without any
 * @param pristine never used before, and not used again
 */
export async function newDatabase({ migrated = false, pristine = false } = {}): Promise<TestDatabase> {
  const used = migrated && !pristine ? emptied.pop() : undefined;
  if (used) return { url: urlOf(used), drop: () => empty(used) };
  const name = `test_${randomBytes(8).toString('hex')}`;
  if (migrated) await makeTemplate();
  await onServer(`CREATE DATABASE ${name}${migrated ? ` TEMPLATE ${TEMPLATE}` : ''} STRATEGY FILE_COPY`);
  return { url: urlOf(name), drop: () => (migrated && !pristine ? empty(name) : remove(name)) };
}

const remove = (name: string) => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);

/** Migrated databases that their tests are done with. To make one takes ten times as long as to empty it. */
const emptied: string[] = [];

async function empty(name: string): Promise<void> {
  await onServer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  const isAsMade = await withServer(async (client) => {
    await client.query(EMPTY_ALL_TABLES);
    return (await shapeOf(client)) === (await withServer(shapeOf, urlOf(TEMPLATE)));
  }, urlOf(name));
  if (isAsMade) emptied.push(name);
  else await remove(name);
}

const EMPTY_ALL_TABLES = `DO $$ DECLARE made text; BEGIN
  FOR made IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'
  LOOP EXECUTE format('DELETE FROM %I', made); END LOOP; END $$`;

/** Differs where a test has added or taken away a table, column, index, trigger or function, or a migration. */
async function shapeOf(client: Client): Promise<string> {
  const counts = ['pg_class', 'pg_attribute', 'pg_trigger', 'pg_proc', 'pg_constraint', '_prisma_migrations'];
  const { rows } = await client.query(counts.map((table) => `SELECT count(*) FROM ${table}`).join(' UNION ALL '));
  return JSON.stringify(rows);
}

let template: Promise<void> | undefined;

/** Of all the processes of a run, the first makes it and the others wait. */
function makeTemplate(): Promise<void> {
  template ??= withServer(async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtextextended('${TEMPLATE}', 0))`);
    const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rows.length > 0) return;
    // Under another name until it is whole, so that a test which is interrupted here leaves no half of it.
    await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE}_unfinished WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE}_unfinished`);
    const url = urlOf(`${TEMPLATE}_unfinished`);
    const pool = openPool({ url, size: 1 });
    try {
      await migrate({ pool, name: nameOf(url), clock: systemClock });
    } finally {
      await pool.end();
    }
    await client.query(`ALTER DATABASE ${TEMPLATE}_unfinished RENAME TO ${TEMPLATE}`);
  });
  return template;
}

function urlOf(name: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.href;
}

/** The variables with which a server uses a store of its own on the engine of this run. */
export async function newPlace(
  engine: EngineName = ENGINE,
): Promise<{ env: Record<string, string>; drop(): Promise<void> }> {
  if (engine === 'sqlite') return { env: {}, drop: async () => {} };
  const { url, drop } = await newDatabase({ migrated: true });
  if (engine === 'postgresql') return { env: { DATABASE_URL: url }, drop };
  if (!REDIS_URL) throw new Error('there is no redis-server on this machine');
  return { env: { DATABASE_URL: url, REDIS_URL, REDIS_PREFIX: `${randomBytes(8).toString('hex')}:` }, drop };
}

function serverUrl(): string {
  const url = process.env['TEST_POSTGRESQL_URL'];
  if (!url) throw new Error('PostgreSQL was not started: test/support/global-setup.ts does');
  return url;
}

async function onServer(sql: string): Promise<void> {
  await withServer((client) => client.query(sql));
}

async function withServer<T>(work: (client: Client) => Promise<T>, url = serverUrl()): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
