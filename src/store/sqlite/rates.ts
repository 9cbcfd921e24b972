import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { RateStore } from '../../limits/rate-store.ts';
import { rateCounter } from '../rate-counter.ts';

/** In memory: with SQLite there is one process, and a minute's count is not worth a write to the disk. */
export function memoryRates(): RateStore {
  return {
    counter: ({ name, limit, window }) =>
      rateCounter(new RateLimiterMemory({ keyPrefix: name, points: limit, duration: window })),
  };
}
