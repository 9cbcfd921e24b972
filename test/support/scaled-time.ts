import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';

const STEP: Milliseconds = 20;
const FAST = 6;

export interface ScaledTime {
  /** Lets so much time go by, several times as fast as it does. */
  pass(by: Seconds): Promise<void>;
  /** Skips so much time; of a timer that was due in it nothing is heard. */
  skip(by: Seconds): void;
}

/**
 * From now on, clocks and intervals of this process go as this says: the servers', the library's and the applications'.
 * By themselves they keep pace with those of other processes. Only what is started after this has such intervals.
 */
export function scaleTime(): ScaledTime {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  let speed = 1;
  let running = true;

  async function run(): Promise<void> {
    let before = performance.now();
    while (running) {
      await pause(STEP);
      const now = performance.now();
      await vi.advanceTimersByTimeAsync(Math.round((now - before) * speed));
      before = now;
    }
  }
  const ended = run();
  onTestFinished(async () => {
    running = false;
    await ended;
    vi.useRealTimers();
  });

  return {
    async pass(by) {
      const until = Date.now() + toMilliseconds(by);
      speed = FAST;
      while (Date.now() < until) await pause(STEP);
      speed = 1;
    },
    skip(by) {
      vi.setSystemTime(Date.now() + toMilliseconds(by));
    },
  };
}
