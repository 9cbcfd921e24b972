import { BY_SYSTEM } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import type { PublishedKey } from './key-pair.ts';
import type { SigningKeys, SigningSet } from './signing-keys.ts';

/** How often an instance looks for keys that others added or revoked, or whose time has come. */
const REFRESH: Seconds = 10;
/** Tokens with made-up key ids cause no more look-ups than this. */
const COOL_DOWN: Milliseconds = toMilliseconds(1);

/** The set of keys that a running instance signs and verifies with, kept up to date without a restart. */
export interface LiveKeys {
  current(): SigningSet;
  /** Null for a key that is unknown also after a fresh look. */
  verifier(kid: string): Promise<PublishedKey | null>;
  onChange(listener: (set: SigningSet) => void): void;
  /** @throws where the keys cannot be read; those that are known stay in use */
  refresh(): Promise<void>;
  /** Resolves when no look is under way any more. */
  close(): Promise<void>;
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
  const listeners: ((set: SigningSet) => void)[] = [];
  let looking: Promise<void> | null = null;
  /** The latest look for a key that was unknown, and when it was asked for. */
  let search = Promise.resolve();
  let searchedAt: Milliseconds = Number.NEGATIVE_INFINITY;

  /** The instance that notices first makes the key that is missing: no other signs, or the one that does grows old. */
  async function look(): Promise<SigningSet> {
    const found = await signing.current();
    if (found.canSign && !found.needsSuccessor) return found;
    try {
      if (!found.canSign) await signing.ensure(BY_SYSTEM);
      const next = await signing.rotateIfDue(BY_SYSTEM);
      if (next) log.info({ ...next, activatesAt: new Date(next.activatesAt) }, 'the next signing key is announced');
      return await signing.current();
    } catch (err) {
      // What was revoked is out of use in any case, also where nothing can be signed for that.
      log.error(
        { err },
        found.canSign
          ? 'the next signing key could not be added; the old one goes on signing'
          : 'there is no active signing key, and none could be made',
      );
      return found;
    }
  }

  async function takeUp(): Promise<void> {
    const next = await look();
    if (next.version === set.version) return;
    set = next;
    log.info({ kid: next.keys[0]?.kid, published: next.keys.length }, 'signing keys changed');
    for (const listener of listeners) listener(next);
  }

  /** One look at a time: the database may take long to say that it is away. */
  function refresh(): Promise<void> {
    looking ??= takeUp().finally(() => {
      looking = null;
    });
    return looking;
  }

  const settled = () => (looking ?? Promise.resolve()).catch(() => {});
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
      if (known) return known;
      // Either way: a clock that was set back must not end all looks.
      if (Math.abs(clock() - searchedAt) >= COOL_DOWN) {
        searchedAt = clock();
        // A look that is under way may have begun before the key was there.
        search = settled().then(refresh);
      }
      // Many may ask for the same key at once, and all of them want the outcome.
      await search;
      return find(kid);
    },
    onChange: (listener) => void listeners.push(listener),
    refresh,
    async close() {
      clearInterval(timer);
      await search.catch(() => {});
      await settled();
    },
  };
}
