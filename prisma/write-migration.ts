// Writes the next migration: the difference between the migrations there are, applied from empty, and the models.
// Usage: node prisma/write-migration.ts NAME      (then read what it wrote: it is reviewed and never edited once released)
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, SQLITE_MIGRATIONS } from '../src/store/prisma/migrate.ts';
import { differenceFromModels } from './schema-engine.ts';

const [name] = process.argv.slice(2);
if (!name || !/^[a-z0-9_]+$/.test(name)) {
  console.error('Usage: node prisma/write-migration.ts NAME   (small letters, digits and _)');
  process.exitCode = 64;
} else {
  mkdirSync(SQLITE_MIGRATIONS, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'gatewright-migration-'));
  try {
    const file = join(scratch, 'migrated.db');
    migrate({ file });
    const sql = await differenceFromModels({ file });
    console.log(sql === null ? 'The migrations equal the models: nothing to write.' : `Wrote ${write(name, sql)}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function write(name: string, sql: string): string {
  const numbers = readdirSync(SQLITE_MIGRATIONS).map((folder) => Number.parseInt(folder, 10) || 0);
  const number = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
  const folder = join(SQLITE_MIGRATIONS, `${number}_${name}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'migration.sql'), sql);
  return join(folder, 'migration.sql');
}
