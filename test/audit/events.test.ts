import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EVENTS } from '../../src/cli/audit-words.ts';

/** Where events are told apart and put into words, not written. */
const READERS = ['src/audit/audit.ts', 'src/cli/audit-words.ts'];

const texts = globSync('src/**/*.ts', { exclude: ['src/generated/**', 'src/metrics/**', ...READERS] }).map((file) =>
  readFileSync(file, 'utf8'),
);

it.each(EVENTS)('%s is written somewhere', (event) => {
  // Two that differ in one word are chosen between where they are written.
  const written = new RegExp(`\\bevent: (?:[^,;}]+\\? )?(?:'[a-z_.]+' : )?'${event.replace('.', '\\.')}'`);
  expect(texts.some((text) => written.test(text))).toBe(true);
});
