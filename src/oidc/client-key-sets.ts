import { isPublicKeySet } from '../clients/validate.ts';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';

/** A key that a client took out of its set is trusted for no longer than this. */
const KEYS_KEPT: Milliseconds = toMilliseconds(5 * MINUTE);
/** However many keys are named that nobody knows, a client's server is asked no more often than this. */
const ASKED_AGAIN: Milliseconds = 30_000;
/** 64 KB each at most (guarded-fetch.ts). */
const MOST_REMEMBERED = 200;

export interface ClientKeySetsDeps {
  /** Guarded: the address was supplied by a client. */
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** Once per look that brought nothing. */
  onFailed: (origin: string, reason: Error) => void;
}

/**
 * The library fetches a client's keys (`jwks_uri`) when it meets a signature that it cannot verify. It would ask again at
 * every request while the client's server is away, and would keep a set for as long as that server says, years perhaps.
 * So this is what it fetches by: nothing is asked twice within a short time, and nothing is said of how long to keep it.
 */
export function createClientKeySets({ fetch, clock, onFailed }: ClientKeySetsDeps): typeof globalThis.fetch {
  const lately = new Map<string, { at: Milliseconds; body: Promise<string> }>();

  async function ask(address: string): Promise<string> {
    try {
      const response = await fetch(address, { headers: { accept: 'application/jwk-set+json, application/json' } });
      if (response.status !== 200) throw new Error(`answered ${response.status} instead of 200`);
      const body = await response.text();
      // In no words of the answer's: the address may lead where nobody outside should listen.
      if (!isPublicKeySet(parsed(body))) throw new Error('answered something else than a set of public keys');
      return body;
    } catch (err) {
      onFailed(new URL(address).origin, err as Error);
      throw err;
    }
  }

  return async (input) => {
    const address = input instanceof Request ? input.url : String(input);
    const known = lately.get(address);
    const isRecent = known !== undefined && Math.abs(clock() - known.at) < ASKED_AGAIN;
    const body = isRecent ? known.body : ask(address);
    if (!isRecent) {
      lately.delete(address);
      const [oldest] = lately.keys();
      if (oldest !== undefined && lately.size >= MOST_REMEMBERED) lately.delete(oldest);
      lately.set(address, { at: clock(), body });
    }
    return new Response(await body, { headers: { 'content-type': 'application/json' } });
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/**
 * The library keeps what it made of a client for as long as the client's metadata stay the same, its keys included, and
 * looks for newer ones only where the known ones do not fit: it would go on trusting a key that was taken back. This
 * part of the metadata changes in time.
 */
export function keysAsOf(clock: Clock): { keys_as_of: number } {
  return { keys_as_of: Math.floor(clock() / KEYS_KEPT) };
}
