import type { Pool } from 'pg';

/**
 * A lock of the session, not of a transaction: the work may take minutes, and nothing must stay uncommitted for as long.
 * It goes with the connection. Where a pooler in between breaks it, two instances do the same work.
 */
export async function alone(pool: Pool, name: string, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let lost: Error | undefined;
  const onError = (err: Error) => {
    lost = err;
  };
  client.on('error', onError);
  try {
    const { rows } = await client.query('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held', [name]);
    if (!rows[0]?.held) return;
    try {
      await work();
    } finally {
      if (!lost) await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name]);
    }
  } catch (err) {
    lost ??= err as Error;
    throw err;
  } finally {
    client.off('error', onError);
    // One that may still hold the lock is closed, which gives it back.
    client.release(lost);
  }
}
