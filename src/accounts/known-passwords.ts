import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type BloomFilter, readBloomFilter } from './bloom-filter.ts';
import { isRun, plainForms } from './plain-forms.ts';

/** Written by `npm run known-passwords`. */
const FILE = path.join(import.meta.dirname, 'known-passwords.bloom');
/** Shorter words are in every passphrase's middle; what is made of one alone is a run or a repetition. */
const SHORTEST = 4;

export type KnownPasswords = ReturnType<typeof createKnownPasswords>;

/** What attackers try first: passwords seen in breaches, single words and names, runs of the alphabet or keyboard. */
export function createKnownPasswords() {
  // Read when a password is first set: most servers run for weeks without, and it takes 400 KB.
  let filter: Promise<BloomFilter> | null = null;

  return {
    /** Also of a known password with a little around it: digits, look-alike digits, itself again. */
    async has(password: string): Promise<boolean> {
      filter ??= readFile(FILE).then(readBloomFilter);
      const { has } = await filter;
      return [...plainForms(password)].some((form) => [...form].length < SHORTEST || isRun(form) || has(form));
    },
  };
}
