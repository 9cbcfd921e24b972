import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorProblem } from '../lib/errors.ts';

/** The database and this program do not fit together, or could not be made to. */
export class MigrationProblem extends OperatorProblem {
  override name = 'MigrationProblem';
}

/** It has what this program does not know of. A start refuses it; what runs already goes on, so that an upgrade can roll. */
export class NewerDatabase extends MigrationProblem {
  override name = 'NewerDatabase';
}

export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, hex: what Prisma's own table keeps. */
  checksum: string;
}

/** A row of `_prisma_migrations`, which is Prisma's own table, so that its tools read the history too. */
export interface AppliedMigration {
  name: string;
  checksum: string;
  finished: boolean;
}

/** @param folder Prisma's layout: `<NNNN_name>/migration.sql`, applied in the order of their names */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names
    .map(({ name }) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * What is still to be applied.
 * @param database what to call it in a sentence: its file, or its address without the password
 * @throws {NewerDatabase}
 * @throws {MigrationProblem} where the history was tampered with
 */
export function unapplied(migrations: Migration[], history: AppliedMigration[], database: string): Migration[] {
  const open = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum, finished } of history) {
    const migration = open.get(name);
    if (!migration) {
      throw new NewerDatabase(
        `The database ${database} was written by a newer version of this program (migration ${name} is unknown here); ` +
          'start that version, or restore a backup made before the upgrade.',
      );
    }
    if (!finished) {
      throw new MigrationProblem(
        `Migration ${name} was begun on ${database} by another tool and never finished; restore a backup made before it.`,
      );
    }
    if (checksum !== migration.checksum) {
      throw new MigrationProblem(
        `Migration ${name} was edited after it had been applied to ${database}; ` +
          'put its original migration.sql back and write the change as a new migration.',
      );
    }
    open.delete(name);
  }
  return [...open.values()];
}

/** What a migration that failed means for the operator. */
export function failedMigration(name: string, database: string, cause: unknown): MigrationProblem {
  return new MigrationProblem(
    `Migration ${name} failed on ${database} and nothing was changed (${(cause as Error).message}); ` +
      'start the version that was running before, and report this.',
    { cause },
  );
}
