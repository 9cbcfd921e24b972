import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { RateStore } from '../../limits/rate-store.ts';
import { rateCounter } from '../rate-counter.ts';
import type { Redis } from './connection.ts';

/** Only what the limiter calls, so that its commands, too, run at once or not at all. */
function storeClient(redis: Redis) {
  return {
    eval: (script: string, { keys, arguments: values }: { keys: string[]; arguments: string[] }) =>
      redis.run((client) => client.eval(script, { keys, arguments: values })),
  };
}

export function redisRates({ redis, prefix }: { redis: Redis; prefix: string }): RateStore {
  return {
    counter: ({ name, limit, window }) =>
      rateCounter(
        new RateLimiterRedis({
          ...{ keyPrefix: `${prefix}rate:${name}`, points: limit, duration: window },
          ...{ storeClient: storeClient(redis), useRedisPackage: true },
          inMemoryBlockOnConsumed: limit + 1,
        }),
      ),
  };
}
