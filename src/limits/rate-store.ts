import type { Milliseconds, Seconds } from '../lib/duration.ts';

export interface Rate {
  /** What may still be asked in this window. */
  left: number;
  /** It was more than the limit. */
  over: boolean;
  resetsIn: Milliseconds;
}

/** Counts one for a subject. @throws where the store is away */
export type RateCounter = (subject: string) => Promise<Rate>;

/** Counts that last for one window, and that nobody misses after a crash. */
export interface RateStore {
  counter(policy: { name: string; limit: number; window: Seconds }): RateCounter;
}
