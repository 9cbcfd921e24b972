import { describe, expect, it } from 'vitest';
import { createRateLimit } from '../../src/limits/rate.ts';
import type { RateCounter } from '../../src/limits/rate-store.ts';
import { testClock } from '../support/clock.ts';

function opened(counter: RateCounter) {
  const clock = testClock();
  let skipped = 0;
  const onSkipped = () => {
    skipped += 1;
  };
  const limit = createRateLimit({ store: { counter: () => counter }, name: 'client', limit: 2, clock, onSkipped });
  return { limit, clock, skipped: () => skipped };
}

describe('a limit of requests', () => {
  it('lets pass, and says so, what a store that is away cannot count', async () => {
    const { limit, skipped } = opened(() => Promise.reject(new Error('away')));
    expect(await limit.count('ada')).toBeNull();
    expect(limit.known('ada')).toBeNull();
    expect(skipped()).toBe(1);
  });

  it('waits no longer than a second for a store that says nothing', async () => {
    const { limit, skipped } = opened(() => new Promise(() => {}));
    expect(await limit.count('ada')).toBeNull();
    expect(skipped()).toBe(1);
  });

  it('remembers what it heard until the window ends', async () => {
    const { limit, clock } = opened(async () => ({ left: 0, over: false, resetsIn: 5000 }));
    expect(limit.known('ada')).toBeNull();
    expect(await limit.count('ada')).toMatchObject({ left: 0, over: false, resetsIn: 5 });
    expect(limit.known('ada')).toMatchObject({ left: 0, over: true });
    clock.forward(5);
    expect(limit.known('ada')).toBeNull();
  });
});
