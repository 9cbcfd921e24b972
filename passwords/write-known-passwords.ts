import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { readBloomFilter, writeBloomFilter } from '../src/accounts/bloom-filter.ts';
import { fold } from '../src/accounts/plain-forms.ts';

const FILE = path.join(import.meta.dirname, '../src/accounts/known-passwords.bloom');
/** Passwords seen in breaches, then the words and first names that people take alone. */
const LISTS = [
  '@zxcvbn-ts/language-common/src/passwords.json',
  '@zxcvbn-ts/language-en/src/commonWords.json',
  '@zxcvbn-ts/language-de/src/commonWords.json',
  '@zxcvbn-ts/language-en/src/firstnames.json',
  '@zxcvbn-ts/language-de/src/firstnames.json',
];
const SHORTEST = 4;
/** Random ones that are looked up to count false answers; another number may be given. */
const STRANGERS = 2_000_000;

/** What `src/accounts/known-passwords.bloom` holds: the same bytes for the same lists. */
export function knownPasswords(): Set<string> {
  const { resolve } = createRequire(import.meta.url);
  const words = LISTS.flatMap((list) => JSON.parse(readFileSync(resolve(list), 'utf8')) as string[]);
  return new Set(words.map(fold).filter((word) => [...word].length >= SHORTEST));
}

if (import.meta.main) {
  const words = knownPasswords();
  const file = writeBloomFilter(words);
  writeFileSync(FILE, file);

  const { has } = readBloomFilter(file);
  const missing = [...words].filter((word) => !has(word)).length;
  const strangers = Number(process.argv[2] ?? STRANGERS);
  let wrong = 0;
  for (let i = 0; i < strangers; i += 1) if (has(randomBytes(12).toString('base64'))) wrong += 1;
  const rate = wrong === 0 ? `below ${(1 / strangers).toExponential(0)}` : (wrong / strangers).toExponential(1);
  process.stdout.write(`${words.size} entries, ${file.length} bytes, ${missing} missing, false positives ${rate}\n`);
}
