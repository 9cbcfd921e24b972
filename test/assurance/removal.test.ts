import { expect, it } from 'vitest';
import type { LevelPolicy } from '../../src/assurance/demand.ts';
import { type Means, whyKept } from '../../src/assurance/removal.ts';

const OPEN: LevelPolicy = {
  ...{ secondFactor: 'optional', phishingResistant: 'nobody' },
  ...{ trustedBrowser: null, enrolmentGrace: 0, passkeys: true },
};
const EVERYONE: LevelPolicy = { ...OPEN, secondFactor: 'everyone' };
const BY_PASSKEY: LevelPolicy = { ...OPEN, phishingResistant: 'everyone' };
const OFF: LevelPolicy = { ...OPEN, passkeys: false };
const user = { role: 'user', demandedLevel: null } as const;
const boss = { role: 'administrator', demandedLevel: null } as const;

const has = (password: boolean, passkeys: number, authenticators: number): Means => ({
  ...{ password, passkeys, authenticators },
});

it.each([
  ['the only way in', OPEN, user, has(false, 1, 0), has(false, 0, 0), 'last-way-in'],
  [
    'the only way in, beside an app, which opens nothing by itself',
    OPEN,
    user,
    has(false, 1, 1),
    has(false, 0, 1),
    'last-way-in',
  ],
  ['a password without a passkey', OPEN, user, has(true, 0, 1), has(false, 0, 1), 'last-way-in'],
  ['a password where passkeys are not taken', OFF, user, has(true, 2, 0), has(false, 2, 0), 'last-way-in'],
  ['a password beside a passkey', BY_PASSKEY, boss, has(true, 1, 0), has(false, 1, 0), null],
  ['one of two passkeys', BY_PASSKEY, user, has(false, 2, 0), has(false, 1, 0), null],
  ['the last factor that nobody demands', OPEN, user, has(true, 1, 0), has(true, 0, 0), null],
  ['the last factor that the policy demands', EVERYONE, user, has(true, 1, 0), has(true, 0, 0), 'demanded'],
  ['the last app that the policy demands', EVERYONE, user, has(true, 0, 1), has(true, 0, 0), 'demanded'],
  ['a passkey beside an app, where any factor will do', EVERYONE, user, has(true, 1, 1), has(true, 0, 1), null],
  ['an app beside a passkey', BY_PASSKEY, user, has(true, 1, 1), has(true, 1, 0), null],
  ['the last passkey that the policy demands', BY_PASSKEY, user, has(true, 1, 1), has(true, 0, 1), 'demanded'],
  ['the last app of who has no passkey yet', BY_PASSKEY, user, has(true, 0, 1), has(true, 0, 0), 'demanded'],
  [
    'the last passkey of an administrator',
    { ...OPEN, phishingResistant: 'administrators' },
    boss,
    has(true, 1, 0),
    has(true, 0, 0),
    'demanded',
  ],
  [
    'that of a user, where administrators must',
    { ...OPEN, phishingResistant: 'administrators' },
    user,
    has(true, 1, 0),
    has(true, 0, 0),
    null,
  ],
  [
    'the last passkey of an account that demands it',
    OPEN,
    { ...user, demandedLevel: 'phishing-resistant' },
    has(true, 1, 1),
    has(true, 0, 1),
    'demanded',
  ],
  [
    'the last factor of an account that demands two',
    OPEN,
    { ...user, demandedLevel: 'two-factor' },
    has(true, 0, 1),
    has(true, 0, 0),
    'demanded',
  ],
  [
    'a passkey that is not taken anyway',
    { ...OFF, secondFactor: 'everyone' },
    user,
    has(true, 1, 0),
    has(true, 0, 0),
    null,
  ],
] as const)('%s', (_what, policy, account, before, left, why) => {
  expect(whyKept(policy, account, before, left)).toBe(why);
});
