import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LANGUAGES, pickLanguage, textKeys, translator, tryAgainIn } from '../../src/web/texts.ts';

const views = new URL('../../views/', import.meta.url);

describe('pickLanguage', () => {
  test.each([
    ['nothing known', {}, 'en'],
    ['the application wishes German', { uiLocales: 'de' }, 'de'],
    ['a region is dropped', { uiLocales: 'de-CH-1996' }, 'de'],
    ['case does not matter', { uiLocales: 'DE-at' }, 'de'],
    ['order of preference', { uiLocales: 'fr-CA de en' }, 'de'],
    ['the application goes before the browser', { uiLocales: 'en', acceptLanguage: 'de' }, 'en'],
    ['what we lack falls to the browser', { uiLocales: 'fr', acceptLanguage: 'de-DE,de;q=0.9,en;q=0.8' }, 'de'],
    ['weights go before order', { acceptLanguage: 'en;q=0.5, de;q=0.9' }, 'de'],
    ['equal weights keep their order', { acceptLanguage: 'en, de' }, 'en'],
    ['zero is a refusal', { acceptLanguage: 'de;q=0, fr' }, 'en'],
    ['the wildcard means any', { acceptLanguage: '*' }, 'en'],
    ['another language that begins alike', { acceptLanguage: 'den' }, 'en'],
    ['nonsense', { uiLocales: '  - __proto__ \u0000', acceptLanguage: ';;q=,,de;q=x' }, 'en'],
  ] as const)('%s', (_, wish, expected) => {
    expect(pickLanguage(wish)).toBe(expected);
  });
});

describe('translator', () => {
  test('fills placeholders, once', () => {
    expect(translator('en')('cancel.to-client', { client: '{client}' })).toBe('Cancel and go back to {client}');
  });
  test('takes the form for the number', () => {
    const t = translator('en');
    expect(t('recovery-codes-left.heading', { n: 1 })).toBe('One recovery code is left');
    expect(t('recovery-codes-left.heading', { n: 4 })).toBe('4 recovery codes are left');
  });
  test('throws on what it does not know', () => {
    const t = translator('de');
    expect(() => t('sign-in.no-such-key')).toThrow('no text "sign-in.no-such-key"');
    expect(() => t('cancel.to-client')).toThrow('needs a value for {client}');
    expect(() => t('cancel.to-client', Object.create({ client: 'inherited' }))).toThrow('{client}');
    expect(() => t('toString')).toThrow('no text');
  });
  test.each([
    [0, 'Try again in one minute'],
    [60, 'Try again in one minute'],
    [61, 'Try again in 2 minutes'],
    [240, 'Try again in 4 minutes'],
    [5400, 'Try again in 90 minutes'],
    [5401, 'Try again in 2 hours'],
  ])('a wait of %d seconds', (seconds, words) => {
    expect(tryAgainIn(translator('en'), seconds)).toContain(words);
  });
});

describe('the files of texts', () => {
  const read = (language: string): Record<string, string> =>
    JSON.parse(readFileSync(new URL(`texts/${language}.json`, views), 'utf8'));
  const english = read('en');

  test.each(LANGUAGES)('%s has the same keys and placeholders as English', (language) => {
    const placeholders = (texts: Record<string, string>) =>
      Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, (text.match(/\{\w+\}/g) ?? []).sort()]));
    // "One minute" may be said without the number.
    const comparable = (texts: Record<string, string>) =>
      Object.entries(placeholders(texts)).filter(([key]) => !key.endsWith('.one'));
    expect(textKeys(language).sort()).toEqual(Object.keys(english).sort());
    expect(comparable(read(language))).toEqual(comparable(english));
    expect(Object.values(read(language)).filter((text) => text.trim() === '')).toEqual([]);
  });

  // One word for one thing: a letter that is called by two names is looked for twice.
  test.each([
    ['de', /\bBrief/, 'E-Mail'],
    ['de', /Wiederherstellungscode/, 'Ersatzcode'],
    ['de', /Passw\S+ (zu )?(ge)?setz/, 'festlegen'],
    ['de', /zweite\S* Faktor/, 'zweiter Schritt'],
    ['de', /Stattdessen .* benutzen|abgeschaltet|keinen? Passkeys? anlegen/, 'verwenden, ausgeschaltet, erstellen'],
    ['en', /password reset|log ?in\b|log ?out\b/i, 'set a new password, sign in, sign out'],
    ['en', /second factor/i, 'second step'],
    ['en', /make a passkey|register (it|another|a new)|switched off/i, 'create or add a passkey, turned off'],
  ])('%s never says %s, but: %s', (language, word) => {
    expect(Object.values(read(language)).filter((text) => word.test(text))).toEqual([]);
  });

  test('every key that a template names exists, and none is left over', () => {
    const templates = readdirSync(views, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.eta'))
      .map((file) => readFileSync(new URL(file, views), 'utf8'))
      .join('\n');
    const named = new Set([...templates.matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key as string));
    const prefixes = [...templates.matchAll(/\bt\(`([^`$]+)\$\{/g)].map(([, prefix]) => prefix as string);
    const has = (key: string) => key in english || (`${key}.one` in english && `${key}.other` in english);

    expect(named.size).toBeGreaterThan(40);
    expect([...named].filter((key) => !has(key))).toEqual([]);
    // Named by the code behind the pages and mails, which chooses among them.
    const fromCode = /^(problem|error|scope|mail|notice|activity|link-question)\./;
    const unused = Object.keys(english).filter(
      (key) =>
        !fromCode.test(key) &&
        !named.has(key.replace(/\.(one|other)$/, '')) &&
        !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });
});
