import { readFileSync } from 'node:fs';

export const LANGUAGES = ['en', 'de'] as const;

export type Language = (typeof LANGUAGES)[number];

export type TextParams = Readonly<Record<string, string | number>>;

/**
 * Fills `{name}` from params. With a number `n`, `key` may stand for a pair `key.one` and `key.other`.
 * The result is plain text: escape it where it becomes markup.
 * @throws for an unknown key and for a placeholder without a value, since both are our own mistakes.
 */
export type Translate = (key: string, params?: TextParams) => string;

const texts = Object.fromEntries(LANGUAGES.map((language) => [language, load(language)])) as Record<
  Language,
  ReadonlyMap<string, string>
>;

function load(language: Language): ReadonlyMap<string, string> {
  const file = new URL(`../../views/texts/${language}.json`, import.meta.url);
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>));
}

export function textKeys(language: Language): string[] {
  return [...texts[language].keys()];
}

export function translator(language: Language): Translate {
  const known = texts[language];
  const plural = new Intl.PluralRules(language);

  return (key, params = {}) => {
    const form = typeof params['n'] === 'number' ? known.get(`${key}.${plural.select(params['n'])}`) : undefined;
    const text = form ?? known.get(key);
    if (text === undefined) throw new Error(`no text "${key}" in ${language}`);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      // Templates are not type-checked, so null can arrive here too.
      const value = Object.hasOwn(params, name) ? (params[name] ?? null) : null;
      if (value === null) throw new Error(`text "${key}" needs a value for {${name}}`);
      return String(value);
    });
  };
}

/** "Try again in 4 minutes": whole minutes, rounded up, so that nobody comes back too early. */
export function tryAgainIn(t: Translate, seconds: number): string {
  if (seconds <= 90 * 60) return t('problem.wait-minutes', { n: Math.max(1, Math.ceil(seconds / 60)) });
  return t('problem.wait-hours', { n: Math.ceil(seconds / 3600) });
}

/** The application's wish first (OIDC Core 3.1.2.1 ui_locales), then the browser's, then English. */
export function pickLanguage({
  uiLocales,
  acceptLanguage,
}: {
  uiLocales?: string | undefined;
  acceptLanguage?: string | undefined;
}): Language {
  const wished = [...(uiLocales ?? '').split(/\s+/), ...byQuality(acceptLanguage ?? '')];
  for (const tag of wished) {
    const language = lookUp(tag);
    if (language) return language;
  }
  return 'en';
}

/** RFC 4647 3.4: drop subtags from the end until one matches, so that `de-CH-1996` finds `de`. */
function lookUp(tag: string): Language | null {
  const subtags = tag.toLowerCase().split('-').slice(0, 8);
  for (; subtags.length > 0; subtags.pop()) {
    const found = LANGUAGES.find((language) => language === subtags.join('-'));
    if (found) return found;
  }
  return null;
}

/** RFC 9110 12.5.4: highest weight first, in the order given where weights are equal; 0 is a refusal. */
function byQuality(header: string): string[] {
  return header
    .split(',')
    .slice(0, 50)
    .map((entry) => {
      const [tag = '', ...params] = entry.split(';').map((part) => part.trim());
      const weight = params.find((param) => /^q=/i.test(param))?.slice(2);
      return { tag, q: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ q }) => q > 0 && q <= 1)
    .sort((a, b) => b.q - a.q)
    .map(({ tag }) => tag);
}
