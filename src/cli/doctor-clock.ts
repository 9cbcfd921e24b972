import { type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { type Finding, warning } from './finding.ts';

/** Tokens count by the second. */
export const TOLERATED_SKEW: Milliseconds = toMilliseconds(1);

/**
 * @param whose clock, as in "the clock of …"
 * @param at what it said at some moment between `before` and `after`
 */
export function skew(
  whose: string,
  at: Milliseconds,
  { before, after }: { before: Milliseconds; after: Milliseconds },
): Finding[] {
  const difference = Math.max(before - at, at - after);
  if (!(difference > TOLERATED_SKEW)) return [];
  const seconds = (difference / 1000).toFixed(1);
  return [warning('clock', `that of ${whose} differs from this one by ${seconds} s: keep both by NTP`)];
}
