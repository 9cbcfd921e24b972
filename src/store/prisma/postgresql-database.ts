import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';
import { PrismaClient } from '../../generated/postgresql/client.ts';
import { type Milliseconds, toMilliseconds } from '../../lib/duration.ts';
import type { PrismaClient as AnyClient, Database } from './database.ts';

const LONGEST_TRANSACTION: Milliseconds = toMilliseconds(10);
const LONGEST_WAIT: Milliseconds = toMilliseconds(5);

/** @param pool stays the caller's to close */
export function openPostgresqlDatabase(pool: Pool): Database {
  const client = new PrismaClient({
    adapter: new PrismaPg(pool),
    errorFormat: 'minimal',
    transactionOptions: { timeout: LONGEST_TRANSACTION, maxWait: LONGEST_WAIT },
  });
  // The generated types differ by engine in name only.
  const prisma = client as unknown as AnyClient;
  return {
    prisma,
    exclusively: (name, work) =>
      prisma.$transaction(async (tx) => {
        // Its first statement: in READ COMMITTED whatever follows sees what the one before has committed.
        await tx.$queryRaw`SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
        return work(tx);
      }),
    close: () => prisma.$disconnect(),
  };
}
