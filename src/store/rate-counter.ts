import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateCounter } from '../limits/rate-store.ts';

/** The library rejects with the same shape where the limit is passed, and with an error where its store fails. */
export function rateCounter(limiter: RateLimiterAbstract): RateCounter {
  return async (subject) => {
    try {
      const { remainingPoints, msBeforeNext } = await limiter.consume(subject);
      return { left: remainingPoints, over: false, resetsIn: msBeforeNext };
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      return { left: 0, over: true, resetsIn: refused.msBeforeNext };
    }
  };
}
