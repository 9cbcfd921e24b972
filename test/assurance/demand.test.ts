import { describe, expect, it } from 'vitest';
import { type Demand, demandedLevel, type LevelPolicy, requestedLevel } from '../../src/assurance/demand.ts';
import { acrOf, LEVELS, type Level } from '../../src/assurance/level.ts';

const ONE = acrOf('one-factor');
const TWO = acrOf('two-factor');

const POLICY: LevelPolicy = {
  ...{ secondFactor: 'optional', phishingResistant: 'nobody' },
  ...{ trustedBrowser: null, enrolmentGrace: 0, passkeys: true },
};
const USER = { role: 'user', demandedLevel: null, enrolmentDueAt: null } as const;
const ADMINISTRATOR = { ...USER, role: 'administrator' } as const;
const NOW = 1_000;
const policy = (some: Partial<LevelPolicy>) => ({ policy: { ...POLICY, ...some } });

describe('the level a sign-in must reach', () => {
  const nobodyAsks: Demand = { policy: POLICY, account: USER, client: 'one-factor', requested: 'one-factor' };
  const everyone = policy({ secondFactor: 'everyone' });
  const administrators = policy({ secondFactor: 'administrators' });
  const trusting = policy({ secondFactor: 'everyone', trustedBrowser: 60 });
  for (const [name, some, expected] of [
    ['nobody asks for more', {}, 'one-factor'],
    ['the client is registered with two', { client: 'two-factor' }, 'two-factor'],
    ['the request asks for two', { requested: 'two-factor' }, 'two-factor'],
    ['the request asks for less than the client', { client: 'two-factor', requested: 'one-factor' }, 'two-factor'],
    ['everyone must', everyone, 'two-factor'],
    ['everyone must, whoever it may be', { ...everyone, account: null }, 'two-factor'],
    ['administrators must, and this is one', { ...administrators, account: ADMINISTRATOR }, 'two-factor'],
    ['administrators must, and this is none', administrators, 'one-factor'],
    ['administrators must, and nobody is known', { ...administrators, account: null }, 'one-factor'],
    ['an administrator need not', { account: ADMINISTRATOR }, 'one-factor'],
    ['this account must', { account: { ...USER, demandedLevel: 'two-factor' } }, 'two-factor'],
    ['everyone must by passkey', policy({ phishingResistant: 'everyone' }), 'phishing-resistant'],
    [
      'administrators must by passkey, the others by any second factor',
      { ...policy({ secondFactor: 'everyone', phishingResistant: 'administrators' }), account: ADMINISTRATOR },
      'phishing-resistant',
    ],
    ['everyone must, and browsers may be trusted', trusting, 'trusted-browser'],
    ["browsers may be trusted, but not an administrator's", { ...trusting, account: ADMINISTRATOR }, 'two-factor'],
    ['browsers may be trusted, but not for this client', { ...trusting, client: 'two-factor' }, 'two-factor'],
    [
      'browsers may be trusted, but not for this account',
      { ...trusting, account: { ...USER, demandedLevel: 'two-factor' } },
      'two-factor',
    ],
    ['everyone must, but has time', { ...everyone, account: { ...USER, enrolmentDueAt: NOW + 1 } }, 'one-factor'],
    ['everyone must, and had time', { ...everyone, account: { ...USER, enrolmentDueAt: NOW } }, 'two-factor'],
    [
      'there is time for what the policy demands, not for what the client does',
      { ...everyone, client: 'two-factor', account: { ...USER, enrolmentDueAt: NOW + 1 } },
      'two-factor',
    ],
    [
      'nor for what is demanded of this account',
      { account: { ...USER, demandedLevel: 'two-factor', enrolmentDueAt: NOW + 1 } },
      'two-factor',
    ],
  ] as [string, Partial<Demand>, Level][]) {
    it(`is ${expected} where ${name}`, () => expect(demandedLevel({ ...nobodyAsks, ...some }, NOW)).toBe(expected));
  }
});

describe('what a request asks for', () => {
  const essential = (acr: object) => JSON.stringify({ id_token: { acr: { essential: true, ...acr } } });
  for (const [name, acrValues, claims, expected] of [
    ['nothing', undefined, undefined, 'one-factor'],
    ['two factors', TWO, undefined, 'two-factor'],
    ['either, in any order', `${TWO} ${ONE}`, undefined, 'one-factor'],
    ['what only others know', 'urn:mace:incommon:iap:silver', undefined, 'one-factor'],
    ['two factors, or what only others know', `urn:other ${TWO}`, undefined, 'two-factor'],
    ['claims without acr', undefined, '{"userinfo":{"email":null}}', 'one-factor'],
    ['acr as a voluntary claim', undefined, '{"id_token":{"acr":null}}', 'one-factor'],
    ['a voluntary value', undefined, JSON.stringify({ id_token: { acr: { values: [TWO] } } }), 'one-factor'],
    ['two factors as essential', undefined, essential({ value: TWO }), 'two-factor'],
    ['one of two as essential', undefined, essential({ values: [TWO, ONE] }), 'one-factor'],
    ['two as essential and one by acr_values', ONE, essential({ values: [TWO] }), 'two-factor'],
    ['what only others know, as essential', undefined, essential({ value: 'urn:other' }), 'unmet'],
    ['what only others know, as essential, and two by acr_values', TWO, essential({ values: ['urn:other'] }), 'unmet'],
    ['acr as essential, whatever it be', undefined, essential({}), 'one-factor'],
  ] as [string, string | undefined, string | undefined, Level | 'unmet'][]) {
    it(`is ${expected} for ${name}`, () => expect(requestedLevel({ acrValues, claims }, LEVELS)).toBe(expected));
  }
});
