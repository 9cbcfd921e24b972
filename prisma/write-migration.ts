// Writes the next migration of each engine whose migrations do not make what the models describe.
// Usage: node prisma/write-migration.ts NAME      (then read what it wrote: it is reviewed and never edited once released)
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { POSTGRESQL_MIGRATIONS } from '../src/store/postgresql/migrate.ts';
import { migrate, SQLITE_MIGRATIONS } from '../src/store/sqlite/migrate.ts';
import { MODELS } from './generate.ts';
import { differenceFromModels, differenceFromOlderModels } from './schema-engine.ts';

const [name] = process.argv.slice(2);
if (!name || !/^[a-z0-9_]+$/.test(name)) {
  console.error('Usage: node prisma/write-migration.ts NAME   (small letters, digits and _)');
  process.exitCode = 64;
} else {
  const sqlite = await sqliteDifference();
  const postgresql = await postgresqlDifference();
  write(SQLITE_MIGRATIONS, name, sqlite);
  write(POSTGRESQL_MIGRATIONS, name, postgresql);
}

/** Between the migrations there are, applied from empty, and the models. */
async function sqliteDifference(): Promise<string | null> {
  const scratch = mkdtempSync(join(tmpdir(), 'gatewright-migration-'));
  try {
    const file = join(scratch, 'migrated.db');
    migrate({ file });
    return await differenceFromModels({ file });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Between the models as they were committed with the newest migration, and the models. */
function postgresqlDifference(): Promise<string | null> {
  if (git('status', '--porcelain', '--', POSTGRESQL_MIGRATIONS) !== '') {
    throw new Error(`Commit what is in ${POSTGRESQL_MIGRATIONS} first, or remove it: it is compared with its commit.`);
  }
  const commit = git('log', '-1', '--format=%H', '--', POSTGRESQL_MIGRATIONS).trim();
  return differenceFromOlderModels(commit === '' ? null : git('show', `${commit}:./${basename(MODELS)}`));
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: dirname(MODELS), encoding: 'utf8' });
}

function write(migrations: string, name: string, sql: string | null): void {
  if (sql === null) {
    console.log(`${basename(migrations)}: the migrations equal the models, nothing to write.`);
    return;
  }
  mkdirSync(migrations, { recursive: true });
  const numbers = readdirSync(migrations).map((folder) => Number.parseInt(folder, 10) || 0);
  const number = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
  const folder = join(migrations, `${number}_${name}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'migration.sql'), sql);
  console.log(`${basename(migrations)}: wrote ${join(folder, 'migration.sql')}`);
}
