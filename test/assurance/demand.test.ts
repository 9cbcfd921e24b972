import { describe, expect, it } from 'vitest';
import { type Demand, demandedLevel, requestedLevel } from '../../src/assurance/demand.ts';
import { acrOf, type Level } from '../../src/assurance/level.ts';

const ONE = acrOf('one-factor');
const TWO = acrOf('two-factor');

describe('the level a sign-in must reach', () => {
  const nobodyAsks: Demand = { policy: 'optional', role: 'user', client: 'one-factor', requested: 'one-factor' };
  for (const [name, some, expected] of [
    ['nobody asks for more', {}, 'one-factor'],
    ['the client is registered with two', { client: 'two-factor' }, 'two-factor'],
    ['the request asks for two', { requested: 'two-factor' }, 'two-factor'],
    ['the request asks for less than the client', { client: 'two-factor', requested: 'one-factor' }, 'two-factor'],
    ['everyone must', { policy: 'everyone' }, 'two-factor'],
    ['everyone must, whoever it may be', { policy: 'everyone', role: null }, 'two-factor'],
    ['administrators must, and this is one', { policy: 'administrators', role: 'administrator' }, 'two-factor'],
    ['administrators must, and this is none', { policy: 'administrators', role: 'user' }, 'one-factor'],
    ['administrators must, and nobody is known', { policy: 'administrators', role: null }, 'one-factor'],
    ['an administrator need not', { policy: 'optional', role: 'administrator' }, 'one-factor'],
  ] as [string, Partial<Demand>, Level][]) {
    it(`is ${expected} where ${name}`, () => expect(demandedLevel({ ...nobodyAsks, ...some })).toBe(expected));
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
    it(`is ${expected} for ${name}`, () => expect(requestedLevel({ acrValues, claims })).toBe(expected));
  }
});
