import { redisRates } from '../../../src/store/redis/rates.ts';
import { rateStoreContract } from '../rates.contract.ts';
import { openRedisState } from './state.ts';

rateStoreContract('Redis', async () => {
  const { redis } = await (await openRedisState()).instance();
  const prefix = `${crypto.randomUUID()}:`;
  return () => redisRates({ redis, prefix });
});
