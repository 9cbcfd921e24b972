import type { PrismaClient } from '../../generated/sqlite/client.ts';

/** The clients of all engines have the same models; what is written in their types is SQLite's. */
export type { PrismaClient };

export type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

/** The relational data. Its tables are made by the migrations, which come first. */
export interface Database {
  prisma: PrismaClient;
  /**
   * A transaction that begins when every other of the same name has ended, in whichever instance: for decisions that
   * rest on what is not there (no administrator, no key), which no row could be locked for.
   */
  exclusively<T>(name: string, work: (tx: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
