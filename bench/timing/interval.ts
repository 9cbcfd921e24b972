import type { Milliseconds } from '../../src/lib/duration.ts';

export interface Difference {
  median: Milliseconds;
  low: Milliseconds;
  high: Milliseconds;
}

export type Random = () => number;

/** Mulberry32: the same numbers for the same seed, so that a run can be repeated. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fisher and Yates: every order is as likely as any other. */
export function shuffled<T>(things: readonly T[], random: Random): T[] {
  const mixed = [...things];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
}

/**
 * How much longer `other` takes than `one`, and where that lies with 95 %: the percentile bootstrap. Times at the same
 * place were taken one after the other, when the machine was equally busy, and are drawn together.
 */
export function differenceOfMedians(
  one: readonly Milliseconds[],
  other: readonly Milliseconds[],
  { random, rounds = 2_000 }: { random: Random; rounds?: number },
): Difference {
  const differences = Array.from({ length: rounds }, () => {
    const drawn = Array.from(one, () => Math.floor(random() * one.length));
    const medianAt = (times: readonly Milliseconds[]) => medianOf(drawn.map((place) => times[place] as number));
    return medianAt(other) - medianAt(one);
  });
  differences.sort((a, b) => a - b);
  const at = (share: number) => differences[Math.round(share * (rounds - 1))] as number;
  return { median: medianOf(other) - medianOf(one), low: at(0.025), high: at(0.975) };
}

export function medianOf(numbers: ArrayLike<number>): number {
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
