import { describe, expect, it } from 'vitest';
import { type KeyState, stateKeys } from '../../src/signing/key-set.ts';
import type { StoredSigningKey } from '../../src/signing/store.ts';

const RETENTION = 100;

function key(kid: string, activatesAt: number, some: Partial<StoredSigningKey> = {}): StoredSigningKey {
  return { kid, algorithm: 'RS256', privateKey: '', createdAt: activatesAt, activatesAt, revokedAt: null, ...some };
}

const a = key('a', 0);
const b = key('b', 1000);
const c = key('c', 2000);
const revoked = (of: StoredSigningKey, revokedAt = 1) => ({ ...of, revokedAt });

const cases: [string, StoredSigningKey[], number, Record<string, KeyState>][] = [
  ['the only key signs from its time on', [a], 0, { a: 'active' }],
  ['before that it is announced', [b], 999, { b: 'announced' }],
  ['a new key is published beside the one that signs', [a, b], 999, { a: 'active', b: 'announced' }],
  ['it takes over at its time', [a, b], 1000, { a: 'retired', b: 'active' }],
  ['the one before still verifies', [a, b], 1099, { a: 'retired', b: 'active' }],
  ['until the retention is over', [a, b], 1100, { a: 'gone', b: 'active' }],
  ['of three the youngest signs', [c, a, b], 2000, { a: 'gone', b: 'retired', c: 'active' }],
  [
    'each is kept from when its own successor began',
    [a, b, key('c', 1050)],
    1099,
    { a: 'retired', b: 'retired', c: 'active' },
  ],
  ['a revoked key is neither', [revoked(a), b], 1000, { a: 'revoked', b: 'active' }],
  ['the one before a revoked key signs again', [a, revoked(b)], 1050, { a: 'active', b: 'revoked' }],
  ['also where it was gone', [a, revoked(b)], 5000, { a: 'active', b: 'revoked' }],
  [
    'a key that was revoked before its time retires none',
    [a, revoked(b), c],
    2000,
    { a: 'retired', b: 'revoked', c: 'active' },
  ],
  [
    'one that had its time does not bring back with its revocation what was gone',
    [a, revoked(b, 2050), c],
    2050,
    { a: 'gone', b: 'revoked', c: 'active' },
  ],
  [
    'nor do two of them',
    [a, revoked(b, 2050), revoked(key('d', 1500), 2060), c],
    2060,
    { a: 'gone', b: 'revoked', d: 'revoked', c: 'active' },
  ],
  [
    'one revoked just as its successor began left no gap',
    [a, revoked(b, 2000), c],
    2000,
    { a: 'gone', b: 'revoked', c: 'active' },
  ],
  [
    'the one before that signed again is kept from when the next one began',
    [a, revoked(b, 1500), c],
    2099,
    { a: 'retired', b: 'revoked', c: 'active' },
  ],
  ['and no longer', [a, revoked(b, 1500), c], 2100, { a: 'gone', b: 'revoked', c: 'active' }],
  ['an announced key may be revoked', [a, revoked(b)], 500, { a: 'active', b: 'revoked' }],
  ['none signs where all are revoked', [revoked(a), revoked(b)], 1000, { a: 'revoked', b: 'revoked' }],
  [
    'of two with one time the later made signs',
    [key('x', 0, { createdAt: 2 }), key('w', 0, { createdAt: 1 })],
    0,
    { w: 'retired', x: 'active' },
  ],
];

describe('the state of signing keys', () => {
  for (const [name, keys, now, expected] of cases) {
    it(name, () => {
      for (const order of [keys, [...keys].reverse()]) {
        const stated = stateKeys(order, now, RETENTION).map(({ kid, state }) => [kid, state]);
        expect(Object.fromEntries(stated)).toEqual(expected);
      }
    });
  }

  it('leaves what it was given as it was', () => {
    const given = [a, b];
    stateKeys(given, 1000, RETENTION);
    expect(given).toEqual([key('a', 0), key('b', 1000)]);
  });
});
