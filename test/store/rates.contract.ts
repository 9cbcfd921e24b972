import { describe, expect, it } from 'vitest';
import type { RateStore } from '../../src/limits/rate-store.ts';
import { racers } from '../support/stores.ts';

/** Every RateStore must pass this. @param open gives what makes the store of one instance after the other */
export function rateStoreContract(name: string, open: () => Promise<() => RateStore>): void {
  describe(`counts of requests in ${name}`, () => {
    const policy = { name: 'address', limit: 10, window: 60 };

    it('let exactly the limit of a hundred racers pass', async () => {
      const counter = (await open())().counter(policy);
      const rates = await racers(100, () => counter('ada'));
      expect(rates.filter(({ over }) => !over)).toHaveLength(10);
      expect(
        rates
          .filter(({ over }) => !over)
          .map(({ left }) => left)
          .sort(),
      ).toEqual([...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
      for (const { resetsIn } of rates) {
        expect(resetsIn).toBeGreaterThan(50_000);
        expect(resetsIn).toBeLessThanOrEqual(60_000);
      }
    });

    it('count subjects and policies apart', async () => {
      const store = (await open())();
      const counter = store.counter({ ...policy, limit: 1 });
      await counter('ada');
      expect((await counter('ada')).over).toBe(true);
      expect((await counter('bob')).over).toBe(false);
      expect((await store.counter({ ...policy, name: 'client' })('ada')).over).toBe(false);
    });

    it('begin anew with the next window', async () => {
      const counter = (await open())().counter({ ...policy, limit: 1, window: 1 });
      await counter('ada');
      const { over, resetsIn } = await counter('ada');
      expect(over).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, resetsIn + 20));
      expect((await counter('ada')).over).toBe(false);
    });
  });
}
