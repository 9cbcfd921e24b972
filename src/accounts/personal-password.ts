import { fold, plainForms } from './plain-forms.ts';

const SHORTEST_NAME = 3;
/** So many letters, or digits in a row beyond a date, are something of their own. */
const OWN_LETTERS = 4;
const OWN_DIGITS = /\d{9,}/;

/**
 * Whether there is nothing in a password but these names: what people put around them (digits, signs, the name again,
 * look-alike digits) does not count.
 */
export function isMadeOf(password: string, names: readonly string[]): boolean {
  const words = [...new Set(names.flatMap(wordsOf))].sort((a, b) => b.length - a.length);
  return [...plainForms(password)].some((form) => {
    const rest = words.reduce((text, word) => text.replaceAll(word, ' '), form);
    if (rest === form || OWN_DIGITS.test(rest)) return false;
    return rest.replaceAll(/[^\p{L}]/gu, '').length < OWN_LETTERS;
  });
}

/** An address is its local part and its domain, with and without what separates their parts. */
function wordsOf(name: string): string[] {
  const folded = fold(name);
  const parts = folded.split(/[^\p{L}\p{N}]+/u);
  const joined = folded.split('@').map((side) => side.replaceAll(/[^\p{L}\p{N}]/gu, ''));
  return [...parts, ...joined, folded].filter((word) => [...word].length >= SHORTEST_NAME);
}
