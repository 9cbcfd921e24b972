import { describe, expect, it } from 'vitest';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import type { AttemptRule, AttemptStore } from '../../src/limits/attempt-store.ts';
import { createAttempts } from '../../src/limits/attempts.ts';
import { createNames, network, subjectOf } from '../../src/limits/subjects.ts';
import { testClock } from '../support/clock.ts';

const keys = { attempts: Buffer.alloc(32, 1), spraying: Buffer.alloc(32, 2) };
const spraying = { perPassword: 20, perAddress: 50 };
const limits = { passwords: 10, codes: 5, perAddress: 100, letters: 5, window: 15 * MINUTE, spraying };
const names = createNames(keys.attempts);
const HOME = '192.0.2.7';
const [home, ada, adaId] = [names.address(HOME), names.email('ada@example.org'), names.account('acc_ada')];
const PASSWORD_ADDRESS = subjectOf('password-address', home);
const CODE_ADDRESS = subjectOf('code-address', home);
const CODE = subjectOf('code', adaId);
const SPRAYED = /^(spraying-|tried:)/;

/** A store that only writes down what it was asked, and refuses the subjects it is told to. */
function opened(refused: Record<string, number> = {}) {
  const clock = testClock();
  const taken: [string, AttemptRule][] = [];
  const refunded: string[] = [];
  const withdrawn: string[] = [];
  const cleared: string[] = [];
  const store: AttemptStore = {
    async take(name, rule, now) {
      if (!SPRAYED.test(name)) taken.push([name, rule]);
      const wait = refused[name];
      return wait === undefined ? null : { until: now + wait, begins: wait === 60_000 };
    },
    refund: async (name) => void refunded.push(name),
    withdraw: async (name) => void (SPRAYED.test(name) || withdrawn.push(name)),
    endWait: async () => {},
    clear: async () => {},
    clearNaming: async (name) => void cleared.push(name),
    clearBlocked: async () => 0,
    blocked: async () => [],
  };
  return { attempts: createAttempts({ store, limits, clock, keys }), taken, refunded, withdrawn, cleared };
}

const window = toMilliseconds(limits.window);
const ofAddress = { limit: 100, window, waitGrows: false, maxConsecutive: null };
const ofAccount = { window, waitGrows: true };

describe('an attempt', () => {
  it('with a password counts for the address first, then for both, then for what was typed', async () => {
    const { attempts, taken } = opened();
    await attempts.password('ada@example.org', HOME, 'a guess');
    expect(taken).toEqual([
      [PASSWORD_ADDRESS, ofAddress],
      [subjectOf('password-both', ada, home), { limit: 10, ...ofAccount, maxConsecutive: null }],
      // With ten known browsers of five failures each: a hundred (NIST SP 800-63B-4 3.2.2).
      [subjectOf('password', ada), { limit: 10, ...ofAccount, maxConsecutive: 50 }],
    ]);
  });

  it('with a code counts for the address first, then for the account', async () => {
    const { attempts, taken } = opened();
    await attempts.code('acc_ada', '192.0.2.7');
    expect(taken).toEqual([
      [CODE_ADDRESS, ofAddress],
      [CODE, { limit: 5, ...ofAccount, maxConsecutive: 100 }],
    ]);
  });

  it('of other kinds counts for the address alone', async () => {
    const { attempts, taken } = opened();
    await attempts.address('setup', '192.0.2.7');
    expect(taken).toEqual([[subjectOf('setup', home), ofAddress]]);
  });

  it('with the code of a device counts for the address, then for whoever is signed in, then for everybody', async () => {
    const { attempts, taken } = opened();
    await attempts.userCode(HOME, null);
    const own = [subjectOf('user-code', adaId), { ...ofAddress, limit: 5 }];
    const [ofHome, ofAll] = [
      [subjectOf('user-code-address', home), ofAddress],
      [subjectOf('user-code-all'), { ...ofAddress, limit: 10_000 }],
    ];
    expect(taken).toEqual([ofHome, ofAll]);
    await attempts.userCode(HOME, 'acc_ada');
    expect(taken.slice(2)).toEqual([ofHome, own, ofAll]);
  });

  it('from an address that must wait leaves the account alone', async () => {
    const { attempts, taken } = opened({ [PASSWORD_ADDRESS]: 1500 });
    await expect(attempts.password('ada@example.org', HOME, 'a guess')).rejects.toMatchObject({
      ...{ name: 'Refusal', code: 'too_many_attempts', status: 429 },
      retryAfter: 2, // whole seconds, never too few
    });
    expect(taken).toHaveLength(1);
  });

  it('on an account that must wait is refused from any address', async () => {
    const { attempts } = opened({ [CODE]: 60_000 });
    await expect(attempts.code('acc_ada', '198.51.100.1')).rejects.toMatchObject({ status: 429, retryAfter: 60 });
  });

  it('that succeeds gives back what it took, and nothing else', async () => {
    const { attempts, taken, refunded } = opened();
    await attempts.code('acc_bob', '192.0.2.8');
    const attempt = await attempts.password('ada@example.org', HOME, 'a guess');
    expect(refunded).toEqual([]);
    await attempt.succeeded();
    expect(refunded).toEqual(taken.slice(2).map(([name]) => name));
  });

  it('that was never checked takes back its count, of the address as well, and refunds nothing', async () => {
    const { attempts, taken, refunded, withdrawn } = opened();
    const attempt = await attempts.password('ada@example.org', HOME, 'a guess');
    await attempt.withdrawn();
    expect(withdrawn).toEqual(taken.map(([name]) => name));
    expect(refunded).toEqual([]);
  });

  it('that is refused says whether the wait began with it', async () => {
    const { attempts } = opened({ [CODE]: 60_000, [subjectOf('code', names.account('acc_bob'))]: 59_000 });
    await expect(attempts.code('acc_ada', '192.0.2.7')).rejects.toMatchObject({ beginsBlock: true });
    await expect(attempts.code('acc_bob', '192.0.2.7')).rejects.toMatchObject({ beginsBlock: false });
  });

  it('is kept under a keyed hash, which tells nothing of what was typed', async () => {
    const { attempts, taken } = opened();
    await attempts.password('ada@example.org', HOME, 'a guess');
    for (const [name] of taken) expect(name).toMatch(/^[a-z-]+:[\w-]{43}(@[\w-]{43})?$/);
    expect(taken[2]?.[0]).not.toBe(subjectOf('password', createNames(keys.spraying).email('ada@example.org')));
  });

  it('is lifted by an operator for both factors of one account', async () => {
    const { attempts, cleared } = opened();
    await attempts.lift('acc_ada', 'ada@example.org');
    expect(cleared).toEqual([ada, adaId]);
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
