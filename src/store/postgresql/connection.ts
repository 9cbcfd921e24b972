import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` on a connection of the pool, and gives it back.
 * @param mayStay whether what was found there lets it be used again
 */
export async function onConnection<T>(
  pool: Pool,
  work: (connection: PoolClient) => Promise<T>,
  mayStay: (found: T) => boolean = () => true,
): Promise<T> {
  const connection = await pool.connect();
  let isSound = false;
  // One that breaks tells the statement under way, and then whoever listens: unheard, that would end the process.
  connection.on('error', ignore);
  try {
    const found = await work(connection);
    isSound = mayStay(found);
    return found;
  } finally {
    connection.off('error', ignore);
    connection.release(!isSound);
  }
}

function ignore(): void {}
