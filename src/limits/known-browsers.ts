import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { newSecret } from '../lib/ids.ts';
import type { Attempt } from './attempts.ts';
import type { KnownBrowserStore } from './known-browser-store.ts';

/** The longest that browsers keep a cookie (RFC 6265bis 5.6.2). */
export const KNOWN_FOR: Seconds = 400 * DAY;
const MOST_FAILURES = 5;
/** With five failures each, half of the hundred that an account may see in a row (NIST SP 800-63B-4 3.2.2). */
const MOST_BROWSERS = 10;

export type KnownBrowsers = ReturnType<typeof createKnownBrowsers>;

/**
 * Who guesses from elsewhere can have an account's passwords wait, but not those of a browser in which its owner has
 * signed in before: that one has passwords of its own to try. It opens nothing, and is good for this account alone.
 */
export function createKnownBrowsers({ store, clock }: { store: KnownBrowserStore; clock: Clock }) {
  const since = (): Milliseconds => clock() - toMilliseconds(KNOWN_FOR);

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
  };
}
