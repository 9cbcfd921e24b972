import { PrismaClient } from '../../generated/sqlite/client.ts';
import { LibsqlFactory } from './libsql-factory.ts';
import { closeSqliteFile, openSqliteFile, type SqliteHandle } from './sqlite-file.ts';

export type { PrismaClient };

export interface Database {
  prisma: PrismaClient;
  /**
   * The connection under `prisma`. While an interactive transaction of `prisma` is open, whatever runs here joins it.
   * A second connection to the same file is no way around that: its first write would block the event loop that the
   * transaction needs to finish.
   */
  raw: SqliteHandle;
  close(): Promise<void>;
}

/** Opens the relational database; its tables are made by `migrate`, which comes first. */
export function openDatabase({ file }: { file: string }): Database {
  const raw = openSqliteFile({ file });
  // Other formats quote the caller's source. Even this one quotes a call's arguments in a PrismaClientValidationError.
  const prisma = new PrismaClient({ adapter: new LibsqlFactory(raw), errorFormat: 'minimal' });
  return {
    prisma,
    raw,
    async close() {
      await prisma.$disconnect();
      closeSqliteFile(raw);
    },
  };
}
