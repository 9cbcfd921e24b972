import { Pool } from 'pg';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';

const CONNECT_WITHIN: Seconds = 5;
/** Longer than any statement of ours takes; one that hangs must not hold a connection for ever. */
const LONGEST_STATEMENT: Seconds = 15;
/** After which the server looks whether this machine is still there, and again every so often. */
const SILENT_FOR: Seconds = 60;
const LOOK_EVERY: Seconds = 10;
const LOOKS = 3;
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
    // A machine that vanished in a transaction would keep its locks, and no other instance could start.
    idle_in_transaction_session_timeout: toMilliseconds(LONGEST_STATEMENT),
    keepAlive: true,
    application_name: 'gatewright',
    options: [
      // Ours waits for locks in one statement and reads in the next, which must see what was committed meanwhile.
      'default_transaction_isolation=read\\ committed',
      // Its connections would count against max_connections for hours.
      `tcp_keepalives_idle=${SILENT_FOR}`,
      `tcp_keepalives_interval=${LOOK_EVERY}`,
      `tcp_keepalives_count=${LOOKS}`,
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
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
