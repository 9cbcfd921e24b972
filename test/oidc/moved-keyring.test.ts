import { describe, expect, it } from 'vitest';
import { createCookieKeys } from '../../src/oidc/cookie-keys.ts';
import { createRefreshTokenIds } from '../../src/oidc/refresh-tokens.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';

const { before, both, after } = movedKeyring();

describe('cookies', () => {
  const old = createCookieKeys(before).sign('a=1');

  it('are signed with the current key, and taken under each', () => {
    const keys = createCookieKeys(both);
    expect(keys.sign('a=1')).toBe(createCookieKeys(after).sign('a=1'));
    for (const digest of [old, keys.sign('a=1')]) {
      expect([keys.verify('a=1', digest), keys.index('a=1', digest)]).toEqual([true, 0]);
      expect([keys.verify('a=2', digest), keys.index('a=2', digest)]).toEqual([false, -1]);
    }
  });

  it('are refused when their key is gone', () => {
    expect(createCookieKeys(after).index('a=1', old)).toBe(-1);
  });
});

describe('a refresh token', () => {
  const token = createRefreshTokenIds(before).first();
  const successor = createRefreshTokenIds(before).successorOf(token);

  it('has one successor before and after its key is replaced', () => {
    expect(createRefreshTokenIds(both).successorOf(token)).toBe(successor);
  });

  it('has one under the current key when its own is gone, or when it names one that never was', () => {
    const ids = createRefreshTokenIds(after);
    const foreign = token.replace(before.currentKeyId, 'madeup00');
    for (const each of [token, foreign, 'no token of ours']) {
      expect(ids.successorOf(each)).toMatch(new RegExp(`^gwr_${after.currentKeyId}_[\\w-]{43}$`));
      expect(ids.successorOf(each)).toBe(ids.successorOf(each));
    }
  });
});
