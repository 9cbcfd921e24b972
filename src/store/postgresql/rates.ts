import type { Pool } from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { Milliseconds } from '../../lib/duration.ts';
import type { RateStore } from '../../limits/rate-store.ts';
import { rateCounter } from '../rate-counter.ts';
import { prepare } from './prepare.ts';

const BATCH = 500;

export function postgresqlRates(pool: Pool): RateStore {
  return {
    counter: ({ name, limit, window }) =>
      rateCounter(
        new RateLimiterPostgres({
          ...{ keyPrefix: name, points: limit, duration: window },
          ...{ storeClient: pool, storeType: 'pool', tableName: 'rate', tableCreated: true },
          // Swept with everything else that expires.
          clearExpiredByTimeout: false,
          // A flood that is refused anyway does not reach the database.
          inMemoryBlockOnConsumed: limit + 1,
        }),
      ),
  };
}

/** @returns how many rows went */
export async function sweepRates(pool: Pool, before: Milliseconds): Promise<number> {
  const sweep = prepare(
    pool,
    'rates.sweep',
    `DELETE FROM rate WHERE key IN (SELECT key FROM rate WHERE expire < $1 LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
  );
  return (await sweep(before)).rowCount ?? 0;
}
