import { describe, expect, it } from 'vitest';
import { HOUR, toMilliseconds } from '../../../src/lib/duration.ts';
import { racers } from '../../support/stores.ts';
import { progressStoreContract } from '../progress.contract.ts';
import { openRedisState } from './state.ts';

progressStoreContract('Redis', () => openRedisState());

describe('progress in Redis', () => {
  it('is taken further by one of fifty racers of two instances', async () => {
    const { clock, progress, instance } = await openRedisState();
    const flows = [progress<number>('flow'), (await instance()).progress<number>('flow')];
    const expiresAt = clock() + toMilliseconds(HOUR);
    for (const version of [0, 1]) {
      const went = await racers(50, (by) => (flows[by % 2] as (typeof flows)[0]).save('id', by, version, expiresAt));
      expect(went.filter(Boolean)).toHaveLength(1);
      expect(await flows[0]?.load('id')).toEqual({ value: went.indexOf(true), version: version + 1 });
    }
  });

  it('is sealed, its id hashed, and leaves by itself', async () => {
    const { clock, progress, prefix, raw } = await openRedisState();
    await progress('flow').save('an-unguessable-id', { seed: 'a-secret-seed' }, 0, clock() + toMilliseconds(HOUR));
    const [key = ''] = await raw.keys(`${prefix}*`);
    const kept = JSON.stringify([key, await raw.hGetAll(key)]);
    expect(kept).toContain('expires');
    expect(kept).not.toContain('an-unguessable-id');
    expect(kept).not.toContain('a-secret-seed');
    const timeToLive = await raw.pTTL(key);
    expect(timeToLive).toBeGreaterThan(toMilliseconds(HOUR - 60));
    expect(timeToLive).toBeLessThanOrEqual(toMilliseconds(HOUR));
  });
});
