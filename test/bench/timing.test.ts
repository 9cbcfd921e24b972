import { describe, expect, it } from 'vitest';
import { createRandom, differenceOfMedians, medianOf, shuffled } from '../../bench/timing/interval.ts';

/** Rounds of a machine that is now more, now less busy, with a tail of what was interrupted. */
function rounds(extra: number, seed: number): { one: number[]; other: number[] } {
  const random = createRandom(seed);
  const noise = () => random() + (random() < 0.1 ? 30 * random() : 0);
  const busy = Array.from({ length: 2_000 }, (_, round) => 8 + 6 * Math.sin(round / 300));
  return { one: busy.map((base) => base + noise()), other: busy.map((base) => base + noise() + extra) };
}

describe('the difference of medians', () => {
  it.each([0, 0.5, 2, -4])('of %d ms lies in its interval, which is narrower than what is allowed', (extra) => {
    const { one, other } = rounds(extra, 7);
    const { median, low, high } = differenceOfMedians(one, other, { random: createRandom(1), rounds: 500 });
    expect(Math.abs(median - extra)).toBeLessThan(0.4);
    expect(low).toBeLessThanOrEqual(extra + 0.1);
    expect(high).toBeGreaterThanOrEqual(extra - 0.1);
    expect(high - low).toBeLessThan(1);
  });

  it('is the same for the same seed', () => {
    const { one, other } = rounds(1, 3);
    const once = () => differenceOfMedians(one, other, { random: createRandom(5), rounds: 50 });
    expect(once()).toEqual(once());
  });
});

it('a median is the middle, or between the two', () => {
  expect([medianOf([3, 1, 10]), medianOf([4, 1, 2, 100]), medianOf([5])]).toEqual([3, 3, 5]);
});

it('every order is as likely as any other', () => {
  const random = createRandom(11);
  const seen = new Map<string, number>();
  for (let count = 0; count < 6_000; count += 1) {
    const order = shuffled(['a', 'b', 'c'], random).join('');
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  expect(seen.size).toBe(6);
  for (const count of seen.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
