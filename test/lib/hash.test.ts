import { describe, expect, it } from 'vitest';
import { keyedHash, sameText, sha256 } from '../../src/lib/hash.ts';

describe('hashes', () => {
  it('match the vector of FIPS 180-4', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(sha256('abc')).toBe(Buffer.from(expected, 'hex').toString('base64url'));
  });

  it('match vector 2 of RFC 4231', () => {
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    const hash = keyedHash(Buffer.from('Jefe'), 'what do ya want for nothing?');
    expect(hash).toBe(Buffer.from(expected, 'hex').toString('base64url'));
  });
});

describe('the comparison of texts', () => {
  for (const [left, right, same] of [
    ['', '', true],
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['é', 'e', false], // as long in characters, not in bytes
    ['', 'a', false],
  ] as const) {
    it(`says ${same} of "${left}" and "${right}"`, () => expect(sameText(left, right)).toBe(same));
  }
});
