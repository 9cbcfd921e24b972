import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { ApiKeyStore } from './store.ts';

const WRITTEN_EVERY: Milliseconds = toMilliseconds(MINUTE);
const MOST_REMEMBERED = 10_000;

export interface LastUse {
  /** Returns at once, and never fails. */
  note(keyId: string): void;
}

/** When keys were used last, written at most once a minute by each process: it must cost the use itself nothing. */
export function createLastUse({
  store,
  clock,
  onFailed,
}: {
  store: Pick<ApiKeyStore, 'markUsed'>;
  clock: Clock;
  onFailed: (err: Error) => void;
}): LastUse {
  const writtenAt = new Map<string, Milliseconds>();
  return {
    note(keyId) {
      const now = clock();
      const before = writtenAt.get(keyId);
      if (before !== undefined && now - before < WRITTEN_EVERY) return;
      if (writtenAt.size >= MOST_REMEMBERED) writtenAt.clear();
      writtenAt.set(keyId, now);
      void store.markUsed(keyId, now).catch(onFailed);
    },
  };
}
