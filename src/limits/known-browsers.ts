import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { newSecret } from '../lib/ids.ts';
import type { Attempt } from './attempts.ts';
import type { KnownBrowser, KnownBrowserStore } from './known-browser-store.ts';

/** The longest that browsers keep a cookie (RFC 6265bis 5.6.2). */
export const KNOWN_FOR: Seconds = 400 * DAY;
const MOST_FAILURES = 5;
/** With five failures each, half of the hundred that an account may see in a row (NIST SP 800-63B-4 3.2.2). */
const MOST_BROWSERS = 10;

export type KnownBrowsers = ReturnType<typeof createKnownBrowsers>;

export interface KnownBrowsersDeps {
  store: KnownBrowserStore;
  /** For how long a browser can stand in for a second factor; null: never. */
  trustedFor: Seconds | null;
  clock: Clock;
}

/** Whose browser it is, and with which password and factors. */
export interface Owner {
  id: string;
  role: string;
  factorsVersion: number;
}

/** As its owner sees it. */
export interface TrustedBrowser {
  /** Names it to its owner, and opens nothing: neither the cookie nor what it is found by. */
  id: string;
  browser: string | null;
  since: Milliseconds;
  until: Milliseconds;
  isThis: boolean;
}

/**
 * Who guesses from elsewhere can have an account's passwords wait, but not those of a browser in which its owner has
 * signed in before: that one has passwords of its own to try. It opens nothing, and is good for this account alone.
 */
export function createKnownBrowsers({ store, trustedFor, clock }: KnownBrowsersDeps) {
  const since = (): Milliseconds => clock() - toMilliseconds(KNOWN_FOR);

  /** What was promised for longer than the policy gives by now ends with it. */
  function endOfTrust({ trustedUntil, createdAt }: KnownBrowser): Milliseconds {
    return trustedFor === null ? 0 : Math.min(trustedUntil ?? 0, createdAt + toMilliseconds(trustedFor));
  }

  function isTrusted(known: KnownBrowser, { role, factorsVersion }: Owner): boolean {
    const isAlive = known.failures < MOST_FAILURES && known.lastSeenAt > since();
    const isTheirs = role !== 'administrator' && known.trustedFactors === factorsVersion;
    return isAlive && isTheirs && endOfTrust(known) > clock();
  }

  const trustedOf = async (owner: Owner) => (await store.listOf(owner.id)).filter((one) => isTrusted(one, owner));

  return {
    /**
     * Counts a password before it is checked.
     * @param accountId null where nobody goes by what was typed: the same work is done
     * @returns null where this browser has none of its own to try
     */
    async attempt(cookie: string | null, accountId: string | null): Promise<Attempt | null> {
      if (cookie === null) return null;
      const idHash = sha256(cookie);
      if (!(await store.take(idHash, accountId ?? '', { mostFailures: MOST_FAILURES, since: since() }))) return null;
      const giveBack = () => store.giveBack(idHash);
      return { succeeded: giveBack, withdrawn: giveBack };
    },
    /**
     * After a full sign-in. Of a browser that was not known the account's owner is told.
     * @param provedAt the oldest of what was proved
     * @returns the cookie to keep; null where the account was ended meanwhile
     */
    async remember(cookie: string | null, accountId: string, provedAt: Milliseconds, by: By): Promise<string | null> {
      const alive = { mostFailures: MOST_FAILURES, since: since() };
      if (cookie !== null && (await store.seen(sha256(cookie), accountId, alive))) return cookie;
      const fresh = newSecret('gwk');
      return (await store.add(sha256(fresh), accountId, { provedAt, most: MOST_BROWSERS, by })) ? fresh : null;
    },
    /**
     * After a full sign-in with two factors. Always by a new cookie: one from before may be in other hands, since it was
     * good for less.
     * @returns as above; null also where there is no trust to be had
     */
    async trust(cookie: string | null, owner: Owner, provedAt: Milliseconds, by: By): Promise<string | null> {
      if (trustedFor === null) return null;
      const fresh = newSecret('gwk');
      const { factorsVersion } = owner;
      const until = clock() + toMilliseconds(trustedFor);
      const trust = { until, factorsVersion, replaces: cookie === null ? null : sha256(cookie) };
      const added = await store.add(sha256(fresh), owner.id, { provedAt, most: MOST_BROWSERS, by, trust });
      return added ? fresh : null;
    },
    /** Whether this browser stands in for the second factor of whoever has just proved the password. */
    async isTrusted(cookie: string | null, owner: Owner): Promise<boolean> {
      if (cookie === null || trustedFor === null) return false;
      const idHash = sha256(cookie);
      return (await trustedOf(owner)).some((one) => one.idHash === idHash);
    },
    /** @param cookie of the browser that asks */
    async trusted(cookie: string | null, owner: Owner): Promise<TrustedBrowser[]> {
      const own = cookie === null ? null : sha256(cookie);
      return (await trustedOf(owner)).map((one) => ({
        ...{ id: sha256(one.idHash), browser: one.browser, isThis: one.idHash === own },
        ...{ since: one.createdAt, until: endOfTrust(one) },
      }));
    },
    /** @param id null: of all @returns false where there is no such trust */
    async endTrust(owner: Owner, id: string | null, by: By): Promise<boolean> {
      const known = (await store.listOf(owner.id)).map(({ idHash }) => idHash);
      return store.endTrust(owner.id, id === null ? known : known.filter((idHash) => sha256(idHash) === id), by);
    },
  };
}
