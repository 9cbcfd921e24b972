import { BY_SYSTEM } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import type { SigningAlgorithm } from '../lib/signing-algorithm.ts';
import type { PublishedKey } from './key-pair.ts';
import type { SigningKeys, SigningSet } from './signing-keys.ts';

/** How often an instance looks for keys that others added or revoked, or whose time has come. */
const REFRESH: Seconds = 10;
/** Tokens with made-up key ids, and algorithms that no key can be made for, cause no more look-ups than this. */
const COOL_DOWN: Milliseconds = toMilliseconds(1);

/** The set of keys that a running instance signs and verifies with, kept up to date without a restart. */
export interface LiveKeys {
  current(): SigningSet;
  /** Null for a key that is unknown also after a fresh look. */
  verifier(kid: string): Promise<PublishedKey | null>;
  /** Has a key made for an algorithm that an API is the first to want. @returns whether one signs by it now */
  provide(algorithm: SigningAlgorithm): Promise<boolean>;
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
  /** The latest look for a key that was unknown, and that for one of each algorithm. */
  const searches = new Map<'kid' | SigningAlgorithm, { askedAt: Milliseconds; outcome: Promise<void> }>();

  /** The instance that notices first makes the key that is missing: no other signs, or the one that does grows old. */
  async function look(): Promise<SigningSet> {
    const found = await signing.current();
    if (found.missing.length === 0 && found.due.length === 0) return found;
    try {
      if (found.missing.length > 0) await signing.ensure(BY_SYSTEM);
      for (const next of await signing.rotateIfDue(BY_SYSTEM)) {
        log.info({ ...next, activatesAt: new Date(next.activatesAt) }, 'the next signing key is announced');
      }
      return await signing.current();
    } catch (err) {
      // What was revoked is out of use in any case, also where nothing can be signed for that.
      log.error(
        { err },
        found.missing.length === 0
          ? 'the next signing key could not be added; the old one goes on signing'
          : `there is no active signing key (${found.missing.join(', ')}), and none could be made`,
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

  /** Of each kind no more than one in a while. */
  async function search(what: 'kid' | SigningAlgorithm): Promise<void> {
    let latest = searches.get(what);
    // Either way: a clock that was set back must not end all looks.
    if (!latest || Math.abs(clock() - latest.askedAt) >= COOL_DOWN) {
      // A look that is under way may have begun before the key was there.
      latest = { askedAt: clock(), outcome: settled().then(refresh) };
      searches.set(what, latest);
    }
    // Many may ask for the same key at once, and all of them want the outcome.
    await latest.outcome;
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
      await search('kid');
      return find(kid);
    },
    async provide(algorithm) {
      if (!set.signs.includes(algorithm)) await search(algorithm);
      return set.signs.includes(algorithm);
    },
    onChange: (listener) => void listeners.push(listener),
    refresh,
    async close() {
      clearInterval(timer);
      await Promise.allSettled([...searches.values()].map(({ outcome }) => outcome));
      await settled();
    },
  };
}
