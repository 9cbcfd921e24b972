import type { Pool } from 'pg';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { onConnection } from './connection.ts';

/** What several instances date by: their own clocks, put right by that of the database. */
export interface DatabaseClock {
  now: Clock;
  /** Looks at the database's clock again. @returns by how much this machine's is behind it */
  compare(): Promise<Milliseconds>;
}

/**
 * Whether something was made before its account was signed out everywhere is decided by two times that different
 * instances may have written: by clocks of their own, an instance that is ahead would make sessions that survive it.
 * @param own put right by as much as this machine's clock is wrong
 */
export function createDatabaseClock({ pool, own }: { pool: Pool; own: Clock }): DatabaseClock {
  let behind: Milliseconds = 0;

  return {
    now: () => own() + behind,
    // On a connection that is there: what it takes to get one says nothing about clocks.
    compare: () =>
      onConnection(pool, async (connection) => {
        const before = systemClock();
        const { rows } = await connection.query<{ now: string }>(
          'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
        );
        const after = systemClock();
        const now = Number(rows[0]?.now);
        // The answer was given somewhere in between. What fits it stays, or a slow answer would undo a quick one.
        behind = Math.min(Math.max(behind, now - after), now - before);
        return behind;
      }),
  };
}
