import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import type { Logger } from '../../src/lib/log.ts';
import type { Repeated } from '../../src/lib/repeated.ts';
import { startSweeper } from '../../src/store/sweeper.ts';
import { testClock } from '../support/clock.ts';

let sweeper: Repeated;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  sweeper.stop();
  vi.useRealTimers();
});

function started(sweep: (before: number) => number, clock = testClock()) {
  const errors: unknown[] = [];
  const log = { error: (fields: object) => void errors.push(fields) } as unknown as Logger;
  sweeper = startSweeper({ sweep: async (before) => sweep(before), clock, log });
  return { sweeper, errors };
}

describe('the sweeper', () => {
  it('goes on, batch by batch, until nothing is left, and lets others work in between', async () => {
    const events: string[] = [];
    let left = 5;
    const { sweeper } = started(() => {
      events.push('batch');
      return left-- > 0 ? 1 : 0;
    });
    const swept = sweeper.run();
    for (let request = 0; request < 3; request += 1) {
      await setImmediate();
      events.push('request');
    }
    await swept;
    expect(events.filter((event) => event === 'batch')).toHaveLength(6);
    expect(events.join()).toContain('batch,request,batch');
  });

  it('comes by each minute, and once at a time', async () => {
    let batches = 0;
    started(() => {
      batches += 1;
      return batches === 1 ? 1 : 0;
    });
    vi.advanceTimersByTime(toMilliseconds(3 * MINUTE) - 1);
    expect(batches).toBe(1); // the first is not over: nothing else had its turn since
    await sweeper.run();
    expect(batches).toBe(2);
    vi.advanceTimersByTime(1);
    expect(batches).toBe(3);
  });

  it('leaves what expires meanwhile to the next time', async () => {
    const clock = testClock();
    const start = clock();
    const asked: number[] = [];
    const { sweeper } = started((before) => {
      asked.push(before);
      clock.forward(1);
      return asked.length < 3 ? 1 : 0;
    }, clock);
    await sweeper.run();
    expect(asked).toEqual([start, start, start]);
  });

  it('outlives a database that refuses, and tells the log', async () => {
    const busy = new Error('database is locked');
    let batches = 0;
    const { sweeper, errors } = started(() => {
      batches += 1;
      if (batches === 1) throw busy;
      return 0;
    });
    vi.advanceTimersByTime(toMilliseconds(MINUTE));
    await sweeper.run();
    expect(errors).toEqual([{ reason: 'database is locked' }]);
    vi.advanceTimersByTime(toMilliseconds(MINUTE));
    expect(batches).toBe(2);
  });

  it('begins no batch after it was stopped, since the database is closed then', async () => {
    let batches = 0;
    const { sweeper } = started(() => {
      batches += 1;
      return 1;
    });
    const swept = sweeper.run();
    await setImmediate();
    sweeper.stop();
    const until = batches;
    await swept;
    vi.advanceTimersByTime(toMilliseconds(MINUTE));
    await sweeper.run();
    expect(batches).toBe(until);
  });
});
