import { expect, it } from 'vitest';
import { createRequestLimits, POLL_INTERVAL } from '../../src/limits/request-limits.ts';
import { testClock } from '../support/clock.ts';

it('lets a device ask once in its interval, by a hash of its code', async () => {
  const counted: string[] = [];
  const policies: { name: string; limit: number; window: number }[] = [];
  const limits = createRequestLimits({
    store: {
      counter: (policy) => {
        policies.push(policy);
        return async (subject) => {
          counted.push(subject);
          return { left: 0, over: counted.length > 1, resetsIn: 4000 };
        };
      },
    },
    limits: { perAddress: 1, perClient: 1, perAccount: 1, clientFailures: 1 },
    ...{ key: Buffer.alloc(32), clock: testClock(), onSkipped: () => {} },
  });
  expect(policies).toContainEqual({ name: 'device-poll', limit: 1, window: POLL_INTERVAL - 1 });
  expect([(await limits.polls('the code'))?.over, (await limits.polls('the code'))?.over]).toEqual([false, true]);
  expect(counted.join()).not.toContain('the code');
});

it('keeps nothing of the length of what a client calls itself', async () => {
  const subjects: string[] = [];
  const limits = createRequestLimits({
    store: {
      counter: () => async (subject) => {
        subjects.push(subject);
        return { left: 0, over: false, resetsIn: 1000 };
      },
    },
    limits: { perAddress: 1, perClient: 1, perAccount: 1, clientFailures: 1 },
    ...{ key: Buffer.alloc(32), clock: testClock(), onSkipped: () => {} },
  });
  const long = 'x'.repeat(50_000);
  limits.countFailure(long, '192.0.2.1');
  limits.countFailure(`${long}y`, '192.0.2.1');
  await expect.poll(() => limits.failures(long, '192.0.2.1')?.over).toBe(true);
  expect(limits.failures('x', '192.0.2.1')).toBeNull();
  expect(new Set(subjects).size).toBe(2);
  expect(Math.max(...subjects.map(({ length }) => length))).toBeLessThan(128);
});
