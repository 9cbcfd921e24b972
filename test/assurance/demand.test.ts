import { describe, expect, it } from 'vitest';
import {
  type Demand,
  demandedLevel,
  type LevelPolicy,
  postponable,
  requestedLevel,
} from '../../src/assurance/demand.ts';
import { acrOf, LEVELS, type Level } from '../../src/assurance/level.ts';

const ONE = acrOf('one-factor');
const TWO = acrOf('two-factor');

const POLICY: LevelPolicy = {
  ...{ secondFactor: 'optional', phishingResistant: 'nobody' },
  ...{ trustedBrowser: null, enrolmentGrace: 0, passkeys: true },
};
const USER = { role: 'user', demandedLevel: null, enrolmentDueAt: null, hasTotp: false, hasPasskey: false } as const;
const ADMINISTRATOR = { ...USER, role: 'administrator' } as const;
const NOW = 1_000;
const WITH_TIME = { ...USER, enrolmentDueAt: NOW + 1 };
const policy = (some: Partial<LevelPolicy>) => ({ policy: { ...POLICY, ...some } });

describe('the level a sign-in must reach', () => {
  const nobodyAsks: Demand = { policy: POLICY, account: USER, client: 'one-factor', requested: 'one-factor' };
  const everyone = policy({ secondFactor: 'everyone' });
  const inTime = policy({ secondFactor: 'everyone', enrolmentGrace: 60 });
  const byPasskeyInTime = policy({ phishingResistant: 'everyone', enrolmentGrace: 60 });
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
    ['everyone must, but has time', { ...inTime, account: WITH_TIME }, 'one-factor'],
    ['everyone must, and had time', { ...inTime, account: { ...USER, enrolmentDueAt: NOW } }, 'two-factor'],
    ['everyone must, and nobody was given time yet', inTime, 'two-factor'],
    ['everyone must, and has time, but no time is given any more', { ...everyone, account: WITH_TIME }, 'two-factor'],
    ['everyone must, has time, and has an app', { ...inTime, account: { ...WITH_TIME, hasTotp: true } }, 'two-factor'],
    [
      'everyone must by passkey, has time, and has an app alone',
      { ...byPasskeyInTime, account: { ...WITH_TIME, hasTotp: true } },
      'one-factor',
    ],
    [
      'everyone must by passkey, has time, and has one',
      { ...byPasskeyInTime, account: { ...WITH_TIME, hasPasskey: true } },
      'phishing-resistant',
    ],
    [
      'there is time for what the policy demands, not for what the client does',
      { ...inTime, client: 'two-factor', account: WITH_TIME },
      'two-factor',
    ],
    [
      'nor for what is demanded of this account',
      { ...inTime, account: { ...WITH_TIME, demandedLevel: 'two-factor' } },
      'two-factor',
    ],
  ] as [string, Partial<Demand>, Level][]) {
    it(`is ${expected} where ${name}`, () => expect(demandedLevel({ ...nobodyAsks, ...some }, NOW)).toBe(expected));
  }
});

describe('what can be put off', () => {
  const inTime = policy({ secondFactor: 'everyone', enrolmentGrace: 60 });
  const nobodyElse: Demand = { ...inTime, account: USER, client: 'one-factor', requested: 'one-factor' };
  const at = (until: number, level: Level = 'two-factor') => ({ level, until });
  for (const [name, some, expected] of [
    ['what the policy asks for the first time', {}, at(NOW + 60_000)],
    ['what was put off before, until it was put off to', { account: WITH_TIME }, at(NOW + 1)],
    ['nothing once that is over', { account: { ...USER, enrolmentDueAt: NOW } }, null],
    ['nothing where no time is given', policy({ secondFactor: 'everyone' }), null],
    ['nothing where nothing is asked for', policy({ enrolmentGrace: 60 }), null],
    ['nothing of nobody', { account: null }, null],
    ['nothing that is there', { account: { ...USER, hasTotp: true } }, null],
    ['nothing that a passkey does', { account: { ...USER, hasPasskey: true } }, null],
    ['nothing that the client demands', { client: 'two-factor' }, null],
    ['nothing that the request demands', { requested: 'phishing-resistant' }, null],
    ['nothing that is demanded of the account', { account: { ...USER, demandedLevel: 'two-factor' } }, null],
    [
      'a passkey by whoever has an app',
      {
        ...policy({ phishingResistant: 'everyone', enrolmentGrace: 60 }),
        ...{ account: { ...USER, hasTotp: true }, client: 'two-factor' },
      },
      at(NOW + 60_000, 'phishing-resistant'),
    ],
    [
      'the trust in a browser that nobody has yet',
      policy({ secondFactor: 'everyone', enrolmentGrace: 60, trustedBrowser: 60 }),
      at(NOW + 60_000, 'trusted-browser'),
    ],
  ] as [string, Partial<Demand>, ReturnType<typeof postponable>][]) {
    it(`is ${name}`, () => expect(postponable({ ...nobodyElse, ...some }, NOW)).toEqual(expected));
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
