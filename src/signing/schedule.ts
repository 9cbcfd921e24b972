import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { youngestOf } from './key-set.ts';
import type { StoredSigningKey } from './store.ts';

/** Until every instance has met a change: each looks every ten seconds, and a look or two may fail. */
const SPREAD: Seconds = 30;

export type Schedule = ReturnType<typeof createSchedule>;

/**
 * @param jwksCache how long verifiers keep the key set
 * @param age a key is replaced when it has signed for that long; null: by an operator only
 */
export function createSchedule({ jwksCache, age }: { jwksCache: Seconds; age: Seconds | null }) {
  // The last instance to look hands out the old set until then, and whoever fetched it keeps it from then on.
  const reach = toMilliseconds(SPREAD + jwksCache);
  return {
    /** When nobody holds a key set any more that is older than a change made now. */
    knownBy: (now: Milliseconds): Milliseconds => now + reach,
    /** Of one algorithm's keys: when a successor is to be announced, so that it signs as soon as the youngest key has reached its age. */
    rotationDueAt(keys: readonly StoredSigningKey[]): Milliseconds | null {
      const youngest = youngestOf(keys);
      return age === null || !youngest ? null : youngest.activatesAt + toMilliseconds(age) - reach;
    },
  };
}
