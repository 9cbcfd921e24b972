import type { Context } from 'koa';
import { expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import type { Proof } from '../../src/assurance/level.ts';
import { type Interaction, NOTHING_PROVED } from '../../src/interaction/interaction.ts';
import { createBrowserCookie } from '../../src/interaction/known-browser.ts';
import type { KnownBrowsers } from '../../src/limits/known-browsers.ts';

/** What becomes of a browser in which a tick was set, by what was proved there. @returns which cookie it is given */
async function remembered(proofs: Proof[]): Promise<string | undefined> {
  const browsers = { trust: async () => 'trusted', remember: async () => 'known' } as unknown as KnownBrowsers;
  const given: string[] = [];
  const cookies = { get: () => undefined, set: (_name: string, value: string) => void given.push(value) };
  const ctx = { cookies, state: { address: '', requestId: '', userAgent: '' } } as unknown as Context;
  const account = { id: 'acc_ada' } as Account;
  const progress = { ...NOTHING_PROVED, accountId: account.id, factorsVersion: 1, trust: true, proofs };
  await createBrowserCookie({ browsers, https: true }).remember(ctx, { account, progress } as Interaction);
  return given[0];
}

const pwd: Proof = { method: 'pwd', at: 1 };
const otp: Proof = { method: 'otp', at: 1 };
const inherited = true;

it.each([
  ['password and code', [pwd, otp], 'trusted'],
  ['a password, and a code that the session brought along', [pwd, { ...otp, inherited }], 'known'],
  ['a code, and a password that the session brought along', [{ ...pwd, inherited }, otp], undefined],
  ['a password alone', [pwd], 'known'],
] satisfies [string, Proof[], string | undefined][])(
  'a browser is what it may be after %s',
  async (_name, proofs, expected) => {
    expect(await remembered(proofs)).toBe(expected);
  },
);
