import { setImmediate as letOthersGo } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';

const EVERY: Milliseconds = toMilliseconds(MINUTE);

export interface Sweeper {
  /** Deletes all that has expired by now. */
  run(): Promise<void>;
  /** Not one batch more. */
  stop(): void;
}

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
}): Sweeper {
  let running: Promise<void> | null = null;
  let stopped = false;

  async function work(): Promise<void> {
    // What expires meanwhile is left to the next time: else a busy server would never be done.
    const before = clock();
    try {
      while (!stopped && (await sweep(before)) > 0) await letOthersGo();
    } catch (err) {
      log.error({ err }, 'what expired cannot be deleted');
    }
  }

  /** Never twice at the same time in one process. */
  function run(): Promise<void> {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  }

  const timer = setInterval(run, EVERY);
  timer.unref();
  return {
    run,
    stop() {
      clearInterval(timer);
      stopped = true;
    },
  };
}
