import type { Clock } from './clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from './duration.ts';
import { keyedHash, sameText } from './hash.ts';

export const PROBE_PATH = '/health/probe';
/** The header that carries the pass. */
export const PROBE_PASS = 'x-gatewright-probe';

/** How a request arrived, after whatever stands between its sender and the server. */
export interface Seen {
  /** The visitor's address, as limits and the audit trail would have it. */
  address: string;
  /** Who opened the connection: the visitor, or the last proxy. */
  peer: string;
  /** The peer is listed as a proxy. */
  listed: boolean;
  host: string | null;
  forwardedFor: string | null;
  at: Milliseconds;
}

/** Either way: that the clocks differ is among what a probe is to find. */
const TOLERANCE: Milliseconds = toMilliseconds(5 * MINUTE);

/** Shows that whoever asks holds the keyring; good for nothing else, and for a few minutes only. */
export function probePass(key: Buffer, clock: Clock): string {
  const at = String(clock());
  return `${at}.${keyedHash(key, at)}`;
}

export function isProbePass(key: Buffer, pass: unknown, clock: Clock): boolean {
  if (typeof pass !== 'string') return false;
  const [at = '', mac = ''] = pass.split('.');
  return sameText(mac, keyedHash(key, at)) && Math.abs(Number(at) - clock()) <= TOLERANCE;
}
