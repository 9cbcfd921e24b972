import { BY_SYSTEM } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import type { PublishedKey, SigningKeys, SigningSet } from './signing-keys.ts';

/** How often an instance looks for keys that others added or revoked, or whose time has come. */
const REFRESH: Seconds = 10;
/** Tokens with made-up key ids cause no more look-ups than this. */
const COOL_DOWN: Milliseconds = 5_000;

/** The set of keys that a running instance signs and verifies with, kept up to date without a restart. */
export interface LiveKeys {
  current(): SigningSet;
  /** Null for a key that is unknown also after a fresh look. */
  verifier(kid: string): Promise<PublishedKey | null>;
  onChange(listener: (set: SigningSet) => void): void;
  refresh(): Promise<void>;
  close(): void;
}

export async function startLiveKeys({
  signing,
  clock,
  log,
}: {
  signing: SigningKeys;
  clock: Clock;
  log: Logger;
}): Promise<LiveKeys> {
  let set = await look();
  let lookedAt = clock();
  const listeners: ((set: SigningSet) => void)[] = [];

  /** Where the only key was revoked, the instance that notices makes another. */
  async function look(): Promise<SigningSet> {
    const found = await signing.current();
    if (found.canSign) return found;
    try {
      await signing.ensure(BY_SYSTEM);
      return await signing.current();
    } catch (err) {
      // What was revoked is out of use in any case, also where nothing can be signed for that.
      log.error({ err }, 'there is no active signing key, and none could be made');
      return found;
    }
  }

  async function refresh(): Promise<void> {
    lookedAt = clock();
    const next = await look();
    if (next.version === set.version) return;
    set = next;
    log.info({ kid: next.keys[0]?.kid, published: next.keys.length }, 'signing keys changed');
    for (const listener of listeners) listener(next);
  }

  const find = (kid: string) => set.keys.find((key) => key.kid === kid) ?? null;
  const timer = setInterval(
    () => refresh().catch((err: unknown) => log.error({ err }, 'signing keys could not be read')),
    toMilliseconds(REFRESH),
  );
  timer.unref();

  return {
    current: () => set,
    async verifier(kid) {
      const known = find(kid);
      if (known || clock() - lookedAt < COOL_DOWN) return known;
      await refresh();
      return find(kid);
    },
    onChange: (listener) => void listeners.push(listener),
    refresh,
    close: () => clearInterval(timer),
  };
}
