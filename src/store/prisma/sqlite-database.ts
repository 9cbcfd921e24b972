import { PrismaClient } from '../../generated/sqlite/client.ts';
import { closeSqliteFile, openSqliteFile, type SqliteHandle } from '../sqlite/sqlite-file.ts';
import type { Database } from './database.ts';
import { LibsqlFactory } from './libsql-factory.ts';

export interface SqliteDatabase extends Database {
  /**
   * The connection under `prisma`. While an interactive transaction of `prisma` is open, whatever runs here joins it.
   * A second connection to the same file is no way around that: its first write would block the event loop that the
   * transaction needs to finish.
   */
  raw: SqliteHandle;
}

export function openSqliteDatabase({ file }: { file: string }): SqliteDatabase {
  const raw = openSqliteFile({ file });
  // Other formats quote the caller's source. Even this one quotes a call's arguments in a PrismaClientValidationError.
  const prisma = new PrismaClient({ adapter: new LibsqlFactory(raw), errorFormat: 'minimal' });
  return {
    prisma,
    raw,
    // Every transaction takes the file's only write lock when it begins.
    exclusively: (_name, work) => prisma.$transaction(work),
    async close() {
      await prisma.$disconnect();
      closeSqliteFile(raw);
    },
  };
}
