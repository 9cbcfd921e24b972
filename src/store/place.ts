import { statSync } from 'node:fs';
import path from 'node:path';

/** Where an installation is kept, looked at without making one. */
export interface Place {
  /** For sentences: the folder, or the address without its password. */
  name: string;
  /** The variable that says so. */
  setting: 'DATA_DIR' | 'DATABASE_URL';
  /** Nothing has been made there yet. */
  isNew(): Promise<boolean>;
  /** The names of the migrations that a start would apply. @throws {MigrationProblem} */
  pendingMigrations(): Promise<string[]>;
}

export function placeOf({ folders, database }: { folders: { data: string }; database: { url: string | null } }): Place {
  return database.url === null ? folderPlace(folders.data) : postgresqlPlace(database.url);
}

function folderPlace(folder: string): Place {
  return {
    name: path.resolve(folder),
    setting: 'DATA_DIR',
    async isNew() {
      const { databaseFile } = await import('./sqlite/engine.ts');
      return isMissing(databaseFile(folder));
    },
    async pendingMigrations() {
      const [{ databaseFile }, { pending }] = await Promise.all([
        import('./sqlite/engine.ts'),
        import('./sqlite/migrate.ts'),
      ]);
      return pending({ file: databaseFile(folder) });
    },
  };
}

function postgresqlPlace(url: string): Place {
  return {
    name: new URL(url).host + new URL(url).pathname,
    setting: 'DATABASE_URL',
    async isNew() {
      const { isEmpty } = await import('./postgresql/migrate.ts');
      return isEmpty(url);
    },
    async pendingMigrations() {
      const { pending } = await import('./postgresql/migrate.ts');
      return pending(url);
    },
  };
}

/** Not there, which is something else than not to be seen by this user. */
export function isMissing(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
