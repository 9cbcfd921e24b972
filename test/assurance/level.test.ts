import { describe, expect, it } from 'vitest';
import {
  acrOf,
  amrOf,
  authTimeOf,
  isAtLeast,
  type Level,
  levelOf,
  levelOfAcr,
  type Method,
  type Proof,
  proofsFrom,
  strongest,
} from '../../src/assurance/level.ts';

const proofs = (...methods: Method[]) => methods.map((method, index) => ({ method, at: 100 + index }));

describe('what proofs amount to', () => {
  for (const [methods, level, amr] of [
    [[], null, []],
    [['pwd'], 'one-factor', ['pwd']],
    [['pwd', 'otp'], 'two-factor', ['pwd', 'otp', 'mfa']],
    [['pwd', 'recovery'], 'two-factor', ['pwd', 'mfa']], // never `otp`, which it was not
    [['otp', 'pwd'], 'two-factor', ['pwd', 'otp', 'mfa']],
    [['pwd', 'browser'], 'trusted-browser', ['pwd']], // never `otp` or `mfa`: nothing was proved but the password
    [['browser'], null, []],
    [['pwd', 'browser', 'otp'], 'two-factor', ['pwd', 'otp', 'mfa']],
    [['pwd', 'pwd'], 'one-factor', ['pwd']],
    [['otp'], null, ['otp']], // a second factor alone proves nobody
    [['recovery'], null, []],
    [['otp', 'recovery'], null, ['otp']],
  ] as [Method[], Level | null, string[]][]) {
    it(`${methods.join(' and ') || 'nothing'}: ${level}`, () => {
      expect(levelOf(proofs(...methods))).toBe(level);
      expect(amrOf(proofs(...methods))).toEqual(amr);
    });
  }

  it('is as old as the oldest of them', () => {
    expect(
      authTimeOf([
        { method: 'pwd', at: 500_000 },
        { method: 'otp', at: 900_000 },
      ]),
    ).toBe(500);
    expect(
      authTimeOf([
        { method: 'otp', at: 900_000 },
        { method: 'pwd', at: 950_000 },
      ]),
    ).toBe(900);
  });

  for (const methods of [['pwd'], ['pwd', 'otp'], ['pwd', 'recovery'], ['pwd', 'browser'], []] as Method[][]) {
    it(`survives the way through amr: ${methods.join(' and ') || 'nothing'}`, () => {
      const acr = acrOf(levelOf(proofs(...methods)) ?? 'one-factor');
      const again = proofsFrom(amrOf(proofs(...methods)), acr, 100);
      expect(again).toEqual(methods.map((method) => ({ method, at: 100_999, inherited: true })));
      expect(levelOf(again)).toBe(levelOf(proofs(...methods)));
    });
  }

  it('is nothing where amr speaks of other methods', () => {
    expect(levelOf(proofsFrom(['fpt', 'sms'], undefined, 100))).toBeNull();
  });
});

describe('a passkey', () => {
  const passkey = (synced: boolean, userVerified: boolean): Proof => ({
    ...{ method: 'passkey', at: 100 },
    passkey: { synced, userVerified },
  });
  for (const [name, given, level, amr] of [
    ['that verified its user', [passkey(false, true)], 'phishing-resistant', ['hwk', 'user', 'mfa']],
    ['that is synced', [passkey(true, true)], 'phishing-resistant', ['swk', 'user', 'mfa']],
    ['that did not', [passkey(false, false)], null, ['hwk', 'user']],
    [
      'that did not, after a password',
      [...proofs('pwd'), passkey(false, false)],
      'phishing-resistant',
      ['pwd', 'hwk', 'user', 'mfa'],
    ],
    ['that did not, with a code', [...proofs('otp'), passkey(false, false)], null, ['otp', 'hwk', 'user']],
  ] as [string, Proof[], Level | null, string[]][]) {
    it(`${name}: ${level}`, () => {
      expect(levelOf(given)).toBe(level);
      expect(amrOf(given)).toEqual(amr);
      if (level === null) return;
      const again = proofsFrom(amr, acrOf(level), 100);
      expect([levelOf(again), amrOf(again)]).toEqual([level, amr]);
    });
  }
});

describe('levels', () => {
  for (const [level, demanded, enough] of [
    [null, 'one-factor', false],
    ['one-factor', 'one-factor', true],
    ['one-factor', 'two-factor', false],
    ['two-factor', 'one-factor', true],
    ['two-factor', 'two-factor', true],
  ] as [Level | null, Level, boolean][]) {
    it(`${level} ${enough ? 'is' : 'is not'} enough for ${demanded}`, () =>
      expect(isAtLeast(level, demanded)).toBe(enough));
  }

  it('are compared by strength, not by order', () => {
    expect(strongest([])).toBe('one-factor');
    expect(strongest(['one-factor', 'one-factor'])).toBe('one-factor');
    expect(strongest(['two-factor', 'one-factor'])).toBe('two-factor');
    expect(strongest(['one-factor', 'two-factor'])).toBe('two-factor');
  });

  it('have one acr each, and others mean none', () => {
    for (const level of ['one-factor', 'two-factor'] as const) expect(levelOfAcr(acrOf(level))).toBe(level);
    for (const acr of [undefined, '', 'two-factor', 'urn:mace:incommon:iap:silver']) expect(levelOfAcr(acr)).toBeNull();
  });
});
