import { describe, expect, it } from 'vitest';
import { isEmail, normalizeEmail } from '../../src/accounts/account.ts';

describe('the normalized form of an address', () => {
  for (const [typed, expected] of [
    ['ada@example.org', 'ada@example.org'],
    ['Ada@EXAMPLE.org', 'ada@example.org'],
    ['  ada@example.org\t', 'ada@example.org'],
    ['ａｄａ＠example．org', 'ada@example.org'], // full width
    ['\u212aate@example.org', 'kate@example.org'], // Kelvin sign
    ['zoe\u0308@example.org', 'zo\u00eb@example.org'],
    ['ZO\u00cb@example.org', 'zo\u00eb@example.org'],
    ['\u03aa\u0301@example.org', '\u0390@example.org'],
    ['J\u030c@example.org', '\u01f0@example.org'],
    ['ﬁona@example.org', 'fiona@example.org'],
    ['ada+notes@example.org', 'ada+notes@example.org'], // another mailbox, for all that is known here
    ['a.da@example.org', 'a.da@example.org'],
  ] as const) {
    it(`of "${typed}" is ${expected}`, () => expect(normalizeEmail(typed)).toBe(expected));
  }

  it('is its own normalized form', () => {
    for (let point = 0x21; point < 0x3000; point += 1) {
      for (const mark of ['', '\u0300', '\u0308', '\u030c', '\u0331', '\u0345']) {
        const once = normalizeEmail(`a${String.fromCodePoint(point)}${mark}b@example.org`);
        if (normalizeEmail(once) !== once) expect.fail(`not for U+${point.toString(16)} with "${mark}"`);
      }
    }
  });
});

describe('an address', () => {
  for (const [text, valid] of [
    ['ada@example.org', true],
    ['ada@localhost', true],
    ['zoë@bücher.example', true],
    ["o'hara+notes@mail.example.org", true],
    ['', false],
    ['ada', false],
    ['@example.org', false],
    ['ada@', false],
    ['ada@@example.org', false],
    ['ada@example.org.', false],
    ['ada@example.org\r\nBcc: bob@example.org', false],
    ['Ada <ada@example.org>', false],
    ['ada@example.org,bob@example.org', false],
    [`${'a'.repeat(65)}@example.org`, false],
    [`a@${'b'.repeat(251)}.org`, false],
  ] as const) {
    it(`${valid ? 'is' : 'is not'} "${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`, () =>
      expect(isEmail(text)).toBe(valid));
  }
});
