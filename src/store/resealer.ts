import type { Clock } from '../lib/clock.ts';
import { HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { type Repeated, repeat } from '../lib/repeated.ts';
import type { Resealed, Resealing } from './reseal.ts';

const EVERY: Milliseconds = toMilliseconds(MINUTE);
/** After all was found in order: an instance that learns late of a new key goes on sealing under the old one. */
const REST: Milliseconds = toMilliseconds(HOUR);

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
}): Repeated {
  let inOrder: { under: string; at: Milliseconds } | null = null;

  async function work(): Promise<void> {
    const under = keyring.currentKeyId;
    const rested = inOrder?.under === under && Math.abs(clock() - inOrder.at) < REST;
    // With a single key there is nothing to seal anew, and of an installation that is never rotated nothing is read.
    if (keyring.keyIds.length === 1 || rested) return;
    await alone(async () => {
      const resealed = await resealing.run({ isStopped: () => resealer.stopped });
      if (resealer.stopped) return;
      inOrder = resealed.done === 0 ? { under, at: clock() } : null;
      report(resealed, under);
    });
  }

  function report({ done, unreadable }: Resealed, under: string): void {
    if (done > 0) log.info({ keyId: under, records: done }, 'sealed anew under the current key');
    if (unreadable > 0) log.error({ records: unreadable }, 'some records are sealed under no key of the keyring');
  }

  const resealer = repeat(EVERY, work, (err) =>
    log.error({ reason: reasonOf(err) }, 'what is sealed under an old key cannot be sealed anew'),
  );
  return resealer;
}
