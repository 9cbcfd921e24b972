import type { Clock } from '../lib/clock.ts';
import { HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import type { Resealed, Resealing } from './reseal.ts';

const EVERY: Milliseconds = toMilliseconds(MINUTE);
/** After all was found in order: an instance that learns late of a new key goes on sealing under the old one. */
const REST: Milliseconds = toMilliseconds(HOUR);

export interface Resealer {
  /** Looks now, unless all was in order lately. */
  run(): Promise<void>;
  /** Not one slice more. */
  stop(): Promise<void>;
}

/** Seals under the current key of the keyring what is not, slice by slice with requests in between, until stopped. */
export function startResealer({
  resealing,
  alone,
  keyring,
  clock,
  log,
}: {
  resealing: Resealing;
  /** Runs it, unless another instance does. */
  alone: (work: () => Promise<void>) => Promise<void>;
  keyring: Keyring;
  clock: Clock;
  log: Logger;
}): Resealer {
  let running: Promise<void> | null = null;
  let stopped = false;
  let inOrder: { under: string; at: Milliseconds } | null = null;

  async function work(): Promise<void> {
    const under = keyring.currentKeyId;
    const rested = inOrder?.under === under && Math.abs(clock() - inOrder.at) < REST;
    // With a single key there is nothing to seal anew, and of an installation that is never rotated nothing is read.
    if (keyring.keyIds.length === 1 || rested) return;
    try {
      await alone(async () => {
        const resealed = await resealing.run({ isStopped: () => stopped });
        if (stopped) return;
        inOrder = resealed.done === 0 ? { under, at: clock() } : null;
        report(resealed, under);
      });
    } catch (err) {
      log.error({ reason: reasonOf(err) }, 'what is sealed under an old key cannot be sealed anew');
    }
  }

  function report({ done, unreadable }: Resealed, under: string): void {
    if (done > 0) log.info({ keyId: under, records: done }, 'sealed anew under the current key');
    if (unreadable > 0) log.error({ records: unreadable }, 'some records are sealed under no key of the keyring');
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
    async stop() {
      clearInterval(timer);
      stopped = true;
      await running;
    },
  };
}
