import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { differenceFromModels } from '../../prisma/schema-engine.ts';
import { MigrationProblem } from '../../src/store/migrations.ts';
import { migrate, pending, SQLITE_MIGRATIONS } from '../../src/store/sqlite/migrate.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { runProgram, scratch } from './scratch.ts';

const ALL = readdirSync(SQLITE_MIGRATIONS).sort();

function query(file: string, sql: string): unknown[] {
  const handle = openSqliteFile({ file });
  try {
    return handle.prepare(sql).all();
  } finally {
    closeSqliteFile(handle);
  }
}

function run(file: string, sql: string): void {
  const handle = openSqliteFile({ file });
  handle.exec(sql);
  closeSqliteFile(handle);
}

/** A copy of the migrations with some more, for a test to spoil. */
function copyMigrations(folder: string, more: Record<string, string> = {}): string {
  const copy = join(folder, 'migrations');
  cpSync(SQLITE_MIGRATIONS, copy, { recursive: true });
  for (const [name, sql] of Object.entries(more)) {
    mkdirSync(join(copy, name));
    writeFileSync(join(copy, name, 'migration.sql'), sql);
  }
  return copy;
}

const tables = (file: string) => query(file, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");

describe('the migrations', () => {
  it('applied from empty make what the models describe', async () => {
    using place = scratch();
    migrate(place);
    expect(await differenceFromModels(place)).toBeNull();
  });

  it('would be found wanting by that comparison', async () => {
    using place = scratch();
    migrate(place);
    run(place.file, 'DROP INDEX "AuditEvent_at_idx"; ALTER TABLE "Client" ADD COLUMN "extra" TEXT');
    const sql = await differenceFromModels(place);
    expect(sql).toContain('CREATE INDEX "AuditEvent_at_idx"');
    expect(sql).toContain('"new_Client"');
  });
});

describe('migrate', () => {
  it('applies what is missing, once, into files that only their owner reads', () => {
    using place = scratch();
    expect(pending(place)).toEqual(ALL);
    expect(migrate(place)).toEqual(ALL);
    expect(pending(place)).toEqual([]);
    expect(migrate(place)).toEqual([]);
    expect(statSync(place.file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(place.file)).mode & 0o777).toBe(0o700);
  });

  it('asked only what is pending, makes no file', () => {
    using place = scratch();
    pending(place);
    expect(readdirSync(place.root)).toEqual([]);
  });

  it('called by five processes at once is done by one, and fails in none', async () => {
    using place = scratch();
    const at = String(Date.now() + 500);
    const outputs = await Promise.all(Array.from({ length: 5 }, () => runProgram('migrate-at.ts', place.file, at)));
    expect(outputs.sort()).toEqual([...Array(4).fill('[]'), JSON.stringify(ALL)].sort());
    expect(query(place.file, 'SELECT migration_name FROM _prisma_migrations')).toHaveLength(ALL.length);
  });

  it('leaves nothing of a migration that fails, nor of those before it', () => {
    using place = scratch();
    const folder = copyMigrations(place.root, {
      '9000_good': 'CREATE TABLE good (id TEXT);',
      '9001_bad': 'CREATE TABLE bad (id TEXT); INSERT INTO nowhere VALUES (1);',
    });
    expect(() => migrate({ file: place.file, folder })).toThrow(/9001_bad failed .*nothing was changed .*nowhere/);
    expect(tables(place.file)).toEqual([]);

    migrate(place);
    const before = tables(place.file);
    expect(() => migrate({ file: place.file, folder })).toThrow(MigrationProblem);
    expect(tables(place.file)).toEqual(before);
    expect(pending(place)).toEqual([]);
  });

  it('refuses a migration after which rows refer to nothing', () => {
    using place = scratch();
    const orphan = `INSERT INTO "ClientSecret" VALUES ('s', 'nobody', 'hash', 0, NULL);`;
    const folder = copyMigrations(place.root, { '9000_orphan': orphan });
    expect(() => migrate({ file: place.file, folder })).toThrow(/rows of ClientSecret refer to nothing/);
    expect(tables(place.file)).toEqual([]);
  });

  it('keeps rows that a rebuilt table would take with it', () => {
    using place = scratch();
    migrate(place);
    run(
      place.file,
      `INSERT INTO "Client" (id, name, type, status, notBefore, settings, createdAt, updatedAt)
         VALUES ('c', 'n', 't', 's', 0, '{}', 0, 0);
       INSERT INTO "ClientSecret" VALUES ('s', 'c', 'hash', 0, NULL);`,
    );
    const rebuild = `PRAGMA foreign_keys=OFF;
      CREATE TABLE "kept" AS SELECT * FROM "Client"; DELETE FROM "Client"; INSERT INTO "Client" SELECT * FROM "kept";
      DROP TABLE "kept"; PRAGMA foreign_keys=ON;`;
    expect(migrate({ file: place.file, folder: copyMigrations(place.root, { '9000_rebuild': rebuild }) })).toEqual([
      '9000_rebuild',
    ]);
    expect(query(place.file, 'SELECT id FROM "ClientSecret"')).toEqual([{ id: 's' }]);
  });

  it('refuses a database that a newer version has migrated', () => {
    using place = scratch();
    migrate({
      file: place.file,
      folder: copyMigrations(place.root, { '9000_later': 'CREATE TABLE later (id TEXT);' }),
    });
    const sentence = /newer version of this program \(migration 9000_later is unknown here\); start that version/;
    expect(() => migrate(place)).toThrow(sentence);
    expect(() => pending(place)).toThrow(sentence);
  });

  it('refuses a migration that was edited after it was applied', () => {
    using place = scratch();
    migrate(place);
    const folder = copyMigrations(place.root);
    writeFileSync(join(folder, ALL[0] ?? '', 'migration.sql'), 'CREATE TABLE other (id TEXT);');
    expect(() => migrate({ file: place.file, folder })).toThrow(
      /was edited after .*put its original migration.sql back/,
    );
  });

  it('refuses a file that is no database', () => {
    using place = scratch();
    const file = join(place.root, 'notes.txt');
    writeFileSync(file, 'these are notes, and long enough to be mistaken for nothing else '.repeat(20));
    expect(() => migrate({ file })).toThrow(/check that it is an intact SQLite file/);
  });
});
