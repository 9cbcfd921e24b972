import argon2 from 'argon2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPasswords, type PasswordCost } from '../../src/accounts/passwords.ts';

/** As cheap as argon2 allows: what is tested is not its strength. */
const CHEAP: PasswordCost = { memory: 1024, passes: 2, lanes: 1, concurrency: 2, queue: 100 };
const passwords = createPasswords(CHEAP);

afterEach(() => void vi.restoreAllMocks());

describe('a password', () => {
  it('verifies against its own hash, and no other does', async () => {
    const hash = await passwords.hash('correct horse battery');
    expect(await passwords.verify(hash, 'correct horse battery')).toBe(true);
    for (const other of ['correct horse batterx', 'Correct horse battery', 'correct horse battery ', '']) {
      expect(await passwords.verify(hash, other)).toBe(false);
    }
  });

  it('is hashed with argon2id under the configured cost and a new salt', async () => {
    const hash = await passwords.hash('correct horse battery');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=1024,p=1,t=2\$/);
    expect(await passwords.hash('correct horse battery')).not.toBe(hash);
  });

  for (const [how, one, other] of [
    ['with a letter and its mark as one or as two', 'Z\u00fcrich 1291', 'Zu\u0308rich 1291'],
    ['with full-width digits', 'abc123', 'abc１２３'],
    ['with a ligature', 'file server', 'ﬁle server'],
  ] as const) {
    it(`is the same ${how}`, async () => {
      expect(await passwords.verify(await passwords.hash(one), other)).toBe(true);
      expect(await passwords.verify(await passwords.hash(other), one)).toBe(true);
    });
  }
});

describe('where there is no password', () => {
  it('none is right, and the same work is done', async () => {
    const hash = await passwords.hash('correct horse battery');
    const verify = vi.spyOn(argon2, 'verify');
    expect(await passwords.verify(hash, 'a wrong one')).toBe(false);
    expect(await passwords.verify(null, 'a wrong one')).toBe(false);
    expect(await passwords.verify(null, '')).toBe(false);

    const costs = verify.mock.calls.map(([against]) => /^\$argon2id\$v=19\$m=\d+,p=\d+,t=\d+\$/.exec(against)?.[0]);
    expect(costs).toEqual(Array(3).fill('$argon2id$v=19$m=1024,p=1,t=2$'));
  });

  it('even the right one for what stands in its place is refused', async () => {
    vi.spyOn(argon2, 'verify').mockResolvedValue(true);
    expect(await passwords.verify(null, 'whatever it may be')).toBe(false);
  });
});

describe('a hash is outdated', () => {
  for (const [change, outdated] of [
    [{}, false],
    [{ memory: 2048 }, true],
    [{ passes: 3 }, true],
    [{ lanes: 2 }, true],
    [{ concurrency: 1, queue: 1 }, false],
  ] as const) {
    it(`${outdated} where the configuration says ${JSON.stringify(change)}`, async () => {
      const hash = await passwords.hash('correct horse battery');
      expect(createPasswords({ ...CHEAP, ...change }).isOutdated(hash)).toBe(outdated);
    });
  }
});

describe('when many hashes are asked for at once', () => {
  it('only so many are computed together', async () => {
    let running = 0;
    let most = 0;
    const finish: (() => void)[] = [];
    vi.spyOn(argon2, 'verify').mockImplementation(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => void finish.push(resolve));
      running -= 1;
      return true;
    });
    const all = Promise.all(Array.from({ length: 10 }, () => passwords.verify('hash', 'password')));
    for (let done = 0; done < 10; done += 1) {
      await vi.waitUntil(() => finish.length > 0, { interval: 1 });
      finish.shift()?.();
    }
    expect(await all).toHaveLength(10);
    expect(most).toBe(CHEAP.concurrency);
  });

  it('those beyond the queue are told to come back, whether or not there is a password', async () => {
    const bounded = createPasswords({ ...CHEAP, concurrency: 1, queue: 2 });
    const hash = await bounded.hash('correct horse battery');
    const busy = { name: 'Refusal', code: 'busy', status: 503, retryAfter: 5 };
    for (const against of [hash, null]) {
      const results = await Promise.allSettled(Array.from({ length: 6 }, () => bounded.verify(against, 'password')));
      const refused = results.filter(({ status }) => status === 'rejected');
      expect(refused).toMatchObject(Array(3).fill({ reason: busy }));
    }
    expect(await bounded.verify(hash, 'correct horse battery')).toBe(true);
  });
});
