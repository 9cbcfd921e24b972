import { setImmediate as letOthersGo } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { type Repeated, repeat } from '../lib/repeated.ts';

const EVERY: Milliseconds = toMilliseconds(MINUTE);

/** Deletes what expired, batch by batch with requests in between, until stopped. */
export function startSweeper({
  sweep,
  clock,
  log,
}: {
  /** Deletes a batch of what expired before an instant, and says how many rows went. */
  sweep: (before: Milliseconds) => Promise<number>;
  clock: Clock;
  log: Logger;
}): Repeated {
  const sweeper = repeat(
    EVERY,
    async () => {
      // What expires meanwhile is left to the next time: else a busy server would never be done.
      const before = clock();
      while (!sweeper.stopped && (await sweep(before)) > 0) await letOthersGo();
    },
    (err) => log.error({ reason: reasonOf(err) }, 'what expired cannot be deleted'),
  );
  return sweeper;
}
