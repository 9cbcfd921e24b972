import type { Config } from '../config/config.ts';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { Failure } from './failure.ts';

const PATIENCE: Seconds = 2;

/** @throws {Failure} where a server answers where this configuration would have one listen */
export async function checkServerStopped({ listen: { host, port } }: Config): Promise<void> {
  if (port === 0) return;
  const address = `http://${reachable(host)}:${port}`;
  const answers = await fetch(`${address}/health/live`, { signal: AbortSignal.timeout(toMilliseconds(PATIENCE)) }).then(
    ({ ok }) => ok,
    // One that takes the connection and does not answer is busy, not stopped.
    (err: Error) => err.name === 'TimeoutError',
  );
  if (answers) throw new Failure(`a server answers at ${address}: stop it first, and every other one on this data`);
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
