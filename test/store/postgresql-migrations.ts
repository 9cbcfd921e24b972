import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { migrate, POSTGRESQL_MIGRATIONS } from '../../src/store/postgresql/migrate.ts';
import { nameOf } from '../../src/store/postgresql/pool.ts';
import { scratch } from './scratch.ts';

/** On a connection of its own. */
export async function run(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** As an instance does it, with as much time for a statement as given. */
export async function migrateAt(
  url: string,
  { limit = 30_000, ...rest }: { limit?: number; folder?: string; lockWait?: number } = {},
): Promise<string[]> {
  const pool = new Pool({ connectionString: url, max: 1, statement_timeout: limit, query_timeout: limit });
  // As every pool of the program: a test may cut its connection.
  pool.on('error', () => {});
  try {
    return await migrate({ pool, name: nameOf(url), clock: systemClock, ...rest });
  } finally {
    await pool.end();
  }
}

/** A copy of the migrations with some more, for a test to spoil. */
export function copyMigrations(more: Record<string, string> = {}): string {
  const place = scratch();
  onTestFinished(() => place[Symbol.dispose]());
  const copy = join(place.root, 'migrations');
  cpSync(POSTGRESQL_MIGRATIONS, copy, { recursive: true });
  for (const [name, sql] of Object.entries(more)) {
    mkdirSync(join(copy, name));
    writeFileSync(join(copy, name, 'migration.sql'), sql);
  }
  return copy;
}
