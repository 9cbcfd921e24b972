import { type Milliseconds, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';

/** A clock that stands still until it is turned. */
export interface TestClock {
  (): Milliseconds;
  forward(by: Seconds): void;
}

export function testClock(at: Milliseconds = Date.UTC(2026, 0, 2, 3, 4, 5, 678)): TestClock {
  let now = at;
  return Object.assign(() => now, {
    forward(by: Seconds) {
      now += toMilliseconds(by);
    },
  });
}
