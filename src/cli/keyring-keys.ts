import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Keyring } from '../lib/keyring.ts';

/** How long it may take until every instance that shares the folder knows what has changed in the file. */
export const KNOWN_WITHIN: Seconds = 15;

export interface StatedKeyringKey {
  id: string;
  state: 'announced' | 'current' | 'retired';
  createdAt: Milliseconds;
  activatesAt: Milliseconds;
  /** When everything has run out that was signed with it; null while it is the current one, or is yet to be. */
  runsOutAt: Milliseconds | null;
  /** How many records in the database are sealed under it. */
  records: number;
}

/** The keys by when they take over, the last one first. */
export function statedKeys(
  keyring: Keyring,
  counts: ReadonlyMap<string, number>,
  { lifetimes }: Config,
): StatedKeyringKey[] {
  const { session, refreshTokenIdle, interaction } = lifetimes;
  const { keys, currentKeyId } = keyring;
  // Cookies are signed with it, refresh tokens name it, and flows that are under way are sealed under it.
  const longest = toMilliseconds(Math.max(session, refreshTokenIdle, interaction));
  const currentAt = keys.findIndex(({ id }) => id === currentKeyId);

  return keys.map(({ id, createdAt, activatesAt }, index) => {
    const state = stateOf(index, currentAt);
    const successor = keys[index - 1];
    const runsOutAt = state === 'retired' && successor ? successor.activatesAt + longest : null;
    return { id, state, createdAt, activatesAt, runsOutAt, records: counts.get(id) ?? 0 };
  });
}

/** Records sealed under keys that the keyring does not hold. */
export function lostRecords(keyring: Keyring, counts: ReadonlyMap<string, number>): number {
  return [...counts].filter(([id]) => !keyring.has(id)).reduce((sum, [, count]) => sum + count, 0);
}

export function isRemovable({ state, records, runsOutAt }: StatedKeyringKey, clock: Clock): boolean {
  if (state === 'current' || records > 0) return false;
  return runsOutAt === null || runsOutAt <= clock();
}

function stateOf(index: number, currentAt: number): StatedKeyringKey['state'] {
  if (index === currentAt) return 'current';
  return index < currentAt ? 'announced' : 'retired';
}
