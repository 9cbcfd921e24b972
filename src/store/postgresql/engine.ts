import type { Clock } from '../../lib/clock.ts';
import type { Engine } from '../engine.ts';
import type { Marks } from '../marks.ts';
import { openPostgresqlDatabase } from '../prisma/postgresql-database.ts';
import { alone } from './alone.ts';
import { postgresqlArtifactRows } from './artifact-rows.ts';
import { postgresqlAttempts } from './attempts.ts';
import { postgresqlMarks } from './marks.ts';
import { migrate } from './migrate.ts';
import { nameOf, openPool } from './pool.ts';
import { postgresqlProgressRows } from './progress-rows.ts';
import { postgresqlRates, sweepRates } from './rates.ts';
import { postgresqlRegistry } from './registry.ts';
import { postgresqlSealedArtifacts } from './sealed-artifacts.ts';
import { sweepBatch } from './sweep.ts';

export interface PostgresqlEngine extends Engine {
  marks: Marks;
}

/** One database that any number of instances share. @throws {OperatorProblem} */
export async function openPostgresqlEngine({
  url,
  poolSize,
  clock,
}: {
  url: string;
  poolSize: number;
  clock: Clock;
}): Promise<PostgresqlEngine> {
  const pool = openPool({ url, size: poolSize });
  let migrated: string[];
  try {
    migrated = await migrate({ pool, name: nameOf(url), clock });
  } catch (err) {
    await pool.end();
    throw err;
  }
  const database = openPostgresqlDatabase(pool);

  return {
    migrated,
    database,
    registry: postgresqlRegistry({ pool, clock }),
    artifactRows: postgresqlArtifactRows(pool),
    sealedArtifacts: postgresqlSealedArtifacts(pool),
    progressRows: postgresqlProgressRows(pool),
    attempts: postgresqlAttempts(pool),
    rates: postgresqlRates(pool),
    marks: postgresqlMarks(pool),
    sweep: async (before) => (await sweepBatch(pool, before)) + (await sweepRates(pool, before)),
    alone: (name, work) => alone(pool, name, work),
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async check() {
      await database.prisma.installation.count();
    },
    async close() {
      await database.close();
      await pool.end();
    },
  };
}
