import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { knownPasswords } from '../../passwords/write-known-passwords.ts';
import { readBloomFilter, writeBloomFilter } from '../../src/accounts/bloom-filter.ts';
import { createPasswordPolicy, minimumLength } from '../../src/accounts/password-policy.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';

const policy = createPasswordPolicy({
  ...{ siteName: 'Meadow Notes', issuer: 'https://login.example.org', range: null },
  rangeFailed: async () => {},
});
const claims = { name: 'Ada Lovelace', nickname: 'Countess' };

async function assess(password: string, secondFactor = true): Promise<string | null> {
  const owner = { minimum: minimumLength({ secondFactor }), email: 'a.byron1815@analytical.example', claims };
  const problem = await policy.assess(password, owner, BY_OPERATOR);
  return problem && `${problem.code} ${problem.n}`;
}

it.each([
  ['x7#kQ9z', true, 'password-short 8'],
  ['x7#kQ9z2', true, null],
  ['x7#kQ9z2pWv4mT', false, 'password-short 15'],
  ['x7#kQ9z2pWv4mT1', false, null],
  // 15 UTF-16 units, 8 code points after NFKC.
  ['𝔭𝔮𝔯𝔰𝔴𝔬𝔯k', false, 'password-short 15'],
  ['otter quiet ladder '.repeat(13).slice(0, 128), false, null],
  [`${'otter quiet ladder '.repeat(13)}zebra one`, false, null],
  [`${'otter quiet ladder '.repeat(13)}zebra one 3`, false, 'password-long 256'],
  ['ночь улица фонарь аптека', false, null],
  ['床前明月光疑是地上霜', true, null],
] as const)('%j is judged by its length alone', async (password, secondFactor, expected) => {
  expect(await assess(password, secondFactor)).toBe(expected);
});

it.each([
  ...['password', 'PASSWORD', 'P@ssw0rd', 'password123!', '123password', 'passwordpassword', 'pass-word-2026'],
  ...[
    'dragon2026',
    'l3tm31n!',
    'sunshine!!!!',
    'Strawberry99',
    'wissenschaft',
    'Schmetterling1',
    '$unshine',
    'ｐａｓｓｗｏｒｄ',
  ],
  ...['aaaaaaaaaaaaaaaa', 'abcabcabcabcabc', '1234567890123456', 'qwertzuiopasdfg', 'zyxwvutsrqponmlk', 'abcd1234'],
])('%j is common', async (password) => {
  expect(await assess(password)).toBe('password-common 0');
});

it.each([
  ...[
    'lovelace',
    'AdaLovelace',
    'ada.lovelace1815',
    'L0ve!ace-1815',
    'lovelacelovelace',
    'countess!!',
    'Lovelace, Ada',
  ],
  ...['a.byron1815@analytical.example', 'byron1815', 'analytical2026', 'lövelace 99'],
])('%j is personal', async (password) => {
  expect(await assess(password)).toBe('password-personal 0');
});

it.each(['meadownotes', 'Meadow Notes 2026', 'M3ad0wN0tes!', 'login.example.org'])(
  '%j is the service',
  async (password) => {
    expect(await assess(password)).toBe('password-service 0');
  },
);

it.each([
  ...['lovelace likes walking', 'meadow of ninety otters', 'correct horse battery staple', 'ada 839201746502913'],
  ...['password of the otter', '8392 0174 6502 9138', 'unlucky839201746502'],
])('%j may hold such a word', async (password) => {
  expect(await assess(password)).toBeNull();
});

it('the list in the program is what its script writes, and knows all it was given', () => {
  const words = knownPasswords();
  const file = readFileSync('src/accounts/known-passwords.bloom');
  expect(file.equals(writeBloomFilter(words))).toBe(true);
  const filter = readBloomFilter(file);
  expect(filter.entries).toBe(words.size);
  expect([...words].filter((word) => !filter.has(word))).toEqual([]);
  const strangers = Array.from({ length: 20_000 }, (_, i) => `stranger ${i}`).filter(filter.has);
  expect(strangers).toEqual([]);
});
