import type { Pool } from 'pg';
import type { Milliseconds } from '../../lib/duration.ts';
import { prepare } from './prepare.ts';

/** Deletes some of what expired, so little that no request waits for it. @returns how many rows went, 0 when done */
export async function sweepBatch(pool: Pool, before: Milliseconds): Promise<number> {
  const sweep = prepare<{ swept: number }>(pool, 'sweep', 'SELECT sweep_state($1) AS swept');
  const { rows } = await sweep(before);
  return rows[0]?.swept ?? 0;
}
