import type { Clock } from '../../lib/clock.ts';
import { type Milliseconds, toMilliseconds } from '../../lib/duration.ts';
import type { Engine } from '../engine.ts';
import type { Marks } from '../marks.ts';
import { openPostgresqlDatabase } from '../prisma/postgresql-database.ts';
import { alone } from './alone.ts';
import { postgresqlArtifactRows } from './artifact-rows.ts';
import { postgresqlAttempts } from './attempts.ts';
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts';
import { postgresqlMarks } from './marks.ts';
import { migrate } from './migrate.ts';
import { nameOf, openPool } from './pool.ts';
import { postgresqlProgressRows } from './progress-rows.ts';
import { postgresqlRates, sweepRates } from './rates.ts';
import { postgresqlRegistry } from './registry.ts';
import { postgresqlSealedArtifacts } from './sealed-artifacts.ts';
import { isReadOnly } from './server-check.ts';
import { sweepBatch } from './sweep.ts';

/**
 * Beyond what NTP ever leaves. What the protocol library dates itself (`iat`, `exp`) goes by this machine's clock, and is
 * refused elsewhere when it is a few seconds further off.
 */
const FURTHEST_APART: Milliseconds = toMilliseconds(10);

export interface PostgresqlEngine extends Engine {
  marks: Marks;
}

/** One database that any number of instances share. @throws {OperatorProblem} */
export async function openPostgresqlEngine({
  url,
  poolSize,
  clock: own,
}: {
  url: string;
  poolSize: number;
  clock: Clock;
}): Promise<PostgresqlEngine> {
  const pool = openPool({ url, size: poolSize });
  const { now: clock, compare }: DatabaseClock = createDatabaseClock({ pool, own });
  let migrated: string[];
  try {
    migrated = await migrate({ pool, name: nameOf(url), clock: own });
    await compare();
  } catch (err) {
    await pool.end();
    throw err;
  }
  const database = openPostgresqlDatabase(pool);

  return {
    migrated,
    clock,
    database,
    registry: postgresqlRegistry({ pool, clock }),
    artifactRows: postgresqlArtifactRows(pool),
    sealedArtifacts: postgresqlSealedArtifacts(pool),
    progressRows: postgresqlProgressRows(pool),
    attempts: postgresqlAttempts(pool),
    rates: postgresqlRates(pool),
    marks: postgresqlMarks(pool),
    async sweep(before) {
      await compare();
      // An instance that is ahead must not delete what still counts: marks of what was spent, blocks after wrong guesses.
      const until = Math.min(before, clock());
      return (await sweepBatch(pool, until)) + (await sweepRates(pool, until));
    },
    alone: (name, work) => alone(pool, name, work),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async check() {
      if (await isReadOnly(pool)) return 'read-only';
      return Math.abs(await compare()) > FURTHEST_APART ? 'clock-differs' : 'ok';
    },
    async close() {
      await database.close();
      await pool.end();
    },
  };
}
