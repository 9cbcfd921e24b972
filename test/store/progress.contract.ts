import { describe, expect, it } from 'vitest';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import type { ProgressStore } from '../../src/lib/progress.ts';
import type { TestClock } from '../support/clock.ts';
import { racers } from '../support/stores.ts';

export interface OpenProgress {
  progress<T>(kind: string): ProgressStore<T>;
  clock: TestClock;
}

/** Every ProgressStore must pass this. */
export function progressStoreContract(name: string, open: () => OpenProgress | Promise<OpenProgress>): void {
  describe(`progress in ${name}`, () => {
    async function opened() {
      const { progress, clock } = await open();
      const store = progress<{ step: number }>('sign-in');
      const save = (step: number, version: number) =>
        store.save('id', { step }, version, clock() + toMilliseconds(10 * MINUTE));
      return { progress, clock, store, save };
    }

    it('is absent at first and comes back with its version', async () => {
      const { store, save } = await opened();
      expect(await store.load('id')).toBeNull();
      expect(await save(1, 0)).toBe(true);
      expect(await store.load('id')).toEqual({ value: { step: 1 }, version: 1 });
      expect(await save(2, 1)).toBe(true);
      expect(await store.load('id')).toEqual({ value: { step: 2 }, version: 2 });
      expect(await store.load('another')).toBeNull();
    });

    it('is begun by one of many racers, and taken further by one of many', async () => {
      const { store, save } = await opened();
      const began = await racers(20, (index) => save(index, 0));
      expect(began.filter(Boolean)).toHaveLength(1);
      expect(await store.load('id')).toEqual({ value: { step: began.indexOf(true) }, version: 1 });

      const went = await racers(20, (index) => save(100 + index, 1));
      expect(went.filter(Boolean)).toHaveLength(1);
      expect(await store.load('id')).toEqual({ value: { step: 100 + went.indexOf(true) }, version: 2 });
    });

    it('is not written by whoever read an older version, or none', async () => {
      const { store, save } = await opened();
      await save(1, 0);
      await save(2, 1);
      for (const stale of [0, 1, 3]) expect(await save(9, stale)).toBe(false);
      expect(await store.load('id')).toEqual({ value: { step: 2 }, version: 2 });
    });

    it('is gone when it expires, and cannot be taken further, only begun again', async () => {
      const { clock, store, save } = await opened();
      await save(1, 0);
      clock.forward(10 * MINUTE);
      expect(await store.load('id')).toBeNull();
      expect(await save(2, 1)).toBe(false);
      expect(await save(3, 0)).toBe(true);
      expect(await store.load('id')).toEqual({ value: { step: 3 }, version: 1 });
    });

    it('of one kind is not progress of another', async () => {
      const { progress, clock, store, save } = await opened();
      const other = progress<{ step: number }>('enrolment');
      await save(1, 0);
      expect(await other.load('id')).toBeNull();
      expect(await other.save('id', { step: 7 }, 0, clock() + 1000)).toBe(true);
      expect(await store.load('id')).toEqual({ value: { step: 1 }, version: 1 });
    });
  });
}
