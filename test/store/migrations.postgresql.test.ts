import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { differenceFromOlderModels } from '../../prisma/schema-engine.ts';
import { MigrationProblem } from '../../src/store/migrations.ts';
import { isEmpty, POSTGRESQL_MIGRATIONS, pending } from '../../src/store/postgresql/migrate.ts';
import { newDatabase } from '../support/databases.ts';
import { ownDatabase, racers } from '../support/stores.ts';
import { catalogueOf } from './catalogue.ts';
import { copyMigrations, migrateAt, run } from './postgresql-migrations.ts';

const ALL = readdirSync(POSTGRESQL_MIGRATIONS).sort();
/** Written by hand in migrations, for what the models do not describe. */
const STATE_TABLES = ['artifact', 'attempt', 'death', 'progress', 'rate', 'session', 'session_authorization'];

async function emptyDatabase(): Promise<string> {
  const { url, drop } = await newDatabase();
  onTestFinished(drop);
  return url;
}

const tables = async (url: string) => [...(await catalogueOf(url)).keys()].sort();

describe('the migrations for PostgreSQL', () => {
  async function described(): Promise<Map<string, string[]>> {
    const url = await emptyDatabase();
    await run(url, (await differenceFromOlderModels(null)) ?? '');
    return catalogueOf(url);
  }

  it('applied from empty make what the models describe, and the tables for what expires', async () => {
    const models = await described();
    const migrated = await catalogueOf(await ownDatabase());
    const others = [...migrated.keys()].filter((table) => !models.has(table));
    expect(others.sort()).toEqual(['_prisma_migrations', ...STATE_TABLES]);
    for (const [table, lines] of models) expect(migrated.get(table)).toEqual(lines);
  });

  it.each([
    ['DROP INDEX "AuditEvent_at_idx"', 'AuditEvent'],
    ['CREATE UNIQUE INDEX more ON "Account" (email)', 'Account'],
    ['ALTER TABLE "Client" ADD COLUMN extra text', 'Client'],
    ['ALTER TABLE "Client" ALTER COLUMN name DROP NOT NULL', 'Client'],
    ['ALTER TABLE "Account" ALTER COLUMN "notBefore" TYPE timestamp(0)', 'Account'],
    ['ALTER TABLE "Installation" ALTER COLUMN standing DROP DEFAULT', 'Installation'],
    ['ALTER TABLE "Consent" DROP CONSTRAINT "Consent_clientId_fkey"', 'Consent'],
  ])('would be found wanting by that comparison: %s', async (sql, table) => {
    const models = await described();
    const url = await ownDatabase();
    await run(url, sql);
    expect((await catalogueOf(url)).get(table)).not.toEqual(models.get(table));
  });
});

describe('migrate on PostgreSQL', () => {
  it('applies what is missing, once, and only looks when asked to', async () => {
    const url = await emptyDatabase();
    expect(await pending(url)).toEqual(ALL);
    expect(await isEmpty(url)).toBe(true);
    expect(await tables(url)).toEqual([]);
    expect(await migrateAt(url)).toEqual(ALL);
    expect(await migrateAt(url)).toEqual([]);
    expect(await pending(url)).toEqual([]);
    expect(await isEmpty(url)).toBe(true);
    await run(url, `INSERT INTO "Installation" VALUES (1, 'i', 'r', 'k', now())`);
    expect(await isEmpty(url)).toBe(false);
  });

  it('called by ten instances at once is done by one, and fails in none', async () => {
    const url = await emptyDatabase();
    const applied = await racers(10, () => migrateAt(url));
    expect(applied.filter((names) => names.length > 0)).toEqual([ALL]);
    expect(await run(url, 'SELECT 1 FROM _prisma_migrations')).toHaveLength(ALL.length);
  });

  it('leaves nothing of a migration that fails, nor of those before it', async () => {
    const url = await emptyDatabase();
    const folder = copyMigrations({
      '9000_good': 'CREATE TABLE good (id TEXT);',
      '9001_bad': 'CREATE TABLE bad (id TEXT); INSERT INTO nowhere VALUES (1);',
    });
    const sentence = /9001_bad failed on postgresql:.* and nothing was changed .*nowhere/;
    await expect(migrateAt(url, { folder })).rejects.toThrow(sentence);
    expect(await tables(url)).toEqual([]);

    await migrateAt(url);
    const before = await tables(url);
    await expect(migrateAt(url, { folder })).rejects.toThrow(MigrationProblem);
    expect(await tables(url)).toEqual(before);
    expect(await pending(url)).toEqual([]);
  });

  it('takes as long as a migration needs, whatever other statements are allowed', async () => {
    const folder = copyMigrations({ '9000_long': 'SELECT pg_sleep(0.5)' });
    expect(await migrateAt(await ownDatabase(), { folder, limit: 200 })).toEqual(['9000_long']);
  });

  it('waits for a lock, but not for ever', async () => {
    const url = await ownDatabase();
    const folder = copyMigrations({ '9000_more': 'ALTER TABLE "Client" ADD COLUMN more TEXT' });
    const other = new Client({ connectionString: url });
    await other.connect();
    try {
      await other.query('BEGIN; LOCK TABLE "Client"');
      const sentence = /has been locked for a minute .*end what holds the lock and start again/;
      await expect(migrateAt(url, { folder, lockWait: 0.2 })).rejects.toThrow(sentence);
      await other.query(`ROLLBACK; BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))`);
      await expect(migrateAt(url, { folder, lockWait: 0.2 })).rejects.toThrow(sentence);
    } finally {
      await other.end();
    }
    expect(await migrateAt(url, { folder })).toEqual(['9000_more']);
  });

  it('refuses a database that a newer version has migrated', async () => {
    const url = await ownDatabase();
    await migrateAt(url, { folder: copyMigrations({ '9000_later': 'CREATE TABLE later (id TEXT);' }) });
    const sentence = /newer version of this program \(migration 9000_later is unknown here\); start that version/;
    await expect(migrateAt(url)).rejects.toThrow(sentence);
    await expect(pending(url)).rejects.toThrow(sentence);
  });

  it('refuses a migration that was edited after it was applied, or that another tool left half done', async () => {
    const url = await ownDatabase();
    const folder = copyMigrations();
    writeFileSync(join(folder, ALL[0] ?? '', 'migration.sql'), 'CREATE TABLE other (id TEXT);');
    await expect(migrateAt(url, { folder })).rejects.toThrow(/was edited after .*put its original migration.sql back/);
    await run(url, `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${ALL[0]}'`);
    await expect(migrateAt(url)).rejects.toThrow(/was begun on .* and never finished/);
  });

  it.each([
    [`ALTER DATABASE %I SET default_transaction_isolation = 'repeatable read'`, /begins transactions as repeatable/],
    [`CREATE SCHEMA own; ALTER DATABASE %I SET search_path = own, public`, /would get its tables in the schema own/],
    [`ALTER DATABASE %I SET default_transaction_read_only = on`, /is read-only; set DATABASE_URL to the primary/],
  ])('refuses a database on which it could not rely: %s', async (sql, sentence) => {
    const url = await emptyDatabase();
    await run(url, sql.replace('%I', new URL(url).pathname.slice(1)));
    await expect(migrateAt(url)).rejects.toThrow(sentence);
  });
});
