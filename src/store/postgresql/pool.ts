import { Pool } from 'pg';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';

const CONNECT_WITHIN: Seconds = 5;
/** Longer than any statement of ours takes; one that hangs must not hold a connection for ever. */
const LONGEST_STATEMENT: Seconds = 15;
const IDLE: Milliseconds = toMilliseconds(30);

/** @param url `postgresql://user:password@host:port/database`, with `sslmode` and the like as libpq knows them */
export function openPool({ url, size }: { url: string; size: number }): Pool {
  const pool = new Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: toMilliseconds(CONNECT_WITHIN),
    idleTimeoutMillis: IDLE,
    statement_timeout: toMilliseconds(LONGEST_STATEMENT),
    query_timeout: toMilliseconds(LONGEST_STATEMENT),
    keepAlive: true,
    application_name: 'gatewright',
    // Ours waits for locks in one statement and reads in the next, which must see what was committed meanwhile.
    options: '-c default_transaction_isolation=read\\ committed',
  });
  // A connection that breaks while nobody uses it is replaced at its next use; unheard, it would end the process.
  pool.on('error', () => {});
  return pool;
}

/** The address for sentences and logs: never with a password. */
export function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
