import { describe, expect, it } from 'vitest';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { keyedHash } from '../../src/lib/hash.ts';
import type { AttemptRule, AttemptStore } from '../../src/limits/attempt-store.ts';
import { createAttempts, network } from '../../src/limits/attempts.ts';
import { testClock } from '../support/clock.ts';

const key = Buffer.alloc(32, 1);
const limits = { passwords: 10, codes: 5, perAddress: 100, window: 15 * MINUTE };
const subject = (name: string) => keyedHash(key, name);

/** A store that only writes down what it was asked, and refuses the subjects it is told to. */
function opened(refused: Record<string, number> = {}) {
  const clock = testClock();
  const taken: [string, AttemptRule][] = [];
  const refunded: string[] = [];
  const withdrawn: string[] = [];
  const cleared: string[] = [];
  const store: AttemptStore = {
    async take(name, rule, now) {
      taken.push([name, rule]);
      const wait = refused[name];
      return wait === undefined ? null : { until: now + wait, begins: wait === 60_000 };
    },
    refund: async (name) => void refunded.push(name),
    withdraw: async (name) => void withdrawn.push(name),
    clear: async (name) => void cleared.push(name),
  };
  return { attempts: createAttempts({ store, limits, clock, key }), taken, refunded, withdrawn, cleared };
}

const window = toMilliseconds(limits.window);
const ofAddress = { limit: 100, window, waitGrows: false, maxConsecutive: null };
const ofAccount = { window, waitGrows: true, maxConsecutive: 100 };

describe('an attempt', () => {
  it('with a password counts for the address first, then for what was typed', async () => {
    const { attempts, taken } = opened();
    await attempts.password('ada@example.org', '192.0.2.7');
    expect(taken).toEqual([
      [subject('password-address/192.0.2.7'), ofAddress],
      [subject('password/ada@example.org'), { limit: 10, ...ofAccount }],
    ]);
  });

  it('with a code counts for the address first, then for the account', async () => {
    const { attempts, taken } = opened();
    await attempts.code('acc_ada', '192.0.2.7');
    expect(taken).toEqual([
      [subject('code-address/192.0.2.7'), ofAddress],
      [subject('code/acc_ada'), { limit: 5, ...ofAccount }],
    ]);
  });

  it('of other kinds counts for the address alone', async () => {
    const { attempts, taken } = opened();
    await attempts.address('setup', '192.0.2.7');
    expect(taken).toEqual([[subject('setup/192.0.2.7'), ofAddress]]);
  });

  it('from an address that must wait leaves the account alone', async () => {
    const { attempts, taken } = opened({ [subject('password-address/192.0.2.7')]: 1500 });
    await expect(attempts.password('ada@example.org', '192.0.2.7')).rejects.toMatchObject({
      ...{ name: 'Refusal', code: 'too_many_attempts', status: 429 },
      retryAfter: 2, // whole seconds, never too few
    });
    expect(taken).toHaveLength(1);
  });

  it('on an account that must wait is refused from any address', async () => {
    const { attempts } = opened({ [subject('code/acc_ada')]: 60_000 });
    await expect(attempts.code('acc_ada', '198.51.100.1')).rejects.toMatchObject({ status: 429, retryAfter: 60 });
  });

  it('that succeeds gives back what it took, and nothing else', async () => {
    const { attempts, taken, refunded } = opened();
    await attempts.code('acc_bob', '192.0.2.8');
    const attempt = await attempts.password('ada@example.org', '192.0.2.7');
    expect(refunded).toEqual([]);
    await attempt.succeeded();
    expect(refunded).toEqual(taken.slice(2).map(([name]) => name));
  });

  it('that was never checked takes back its count, of the address as well, and refunds nothing', async () => {
    const { attempts, taken, refunded, withdrawn } = opened();
    const attempt = await attempts.password('ada@example.org', '192.0.2.7');
    await attempt.withdrawn();
    expect(withdrawn).toEqual(taken.map(([name]) => name));
    expect(refunded).toEqual([]);
  });

  it('that is refused says whether the wait began with it', async () => {
    const { attempts } = opened({ [subject('code/acc_ada')]: 60_000, [subject('code/acc_bob')]: 59_000 });
    await expect(attempts.code('acc_ada', '192.0.2.7')).rejects.toMatchObject({ beginsBlock: true });
    await expect(attempts.code('acc_bob', '192.0.2.7')).rejects.toMatchObject({ beginsBlock: false });
  });

  it('is kept under a keyed hash, which tells nothing of what was typed', async () => {
    const { attempts, taken } = opened();
    await attempts.password('ada@example.org', '192.0.2.7');
    for (const [name] of taken) expect(name).toMatch(/^[\w-]{43}$/);
    expect(taken[1]?.[0]).not.toBe(keyedHash(Buffer.alloc(32, 2), 'password/ada@example.org'));
  });

  it('is lifted by an operator for both factors of one account', async () => {
    const { attempts, cleared } = opened();
    await attempts.lift('acc_ada', 'ada@example.org');
    expect(cleared).toEqual([subject('password/ada@example.org'), subject('code/acc_ada')]);
  });
});

describe('what counts as one address', () => {
  for (const [address, expected] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:1::', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.8', '192.0.2.8'],
  ] as const) {
    it(`is ${expected} for ${address}`, () => expect(network(address)).toBe(expected));
  }
});
