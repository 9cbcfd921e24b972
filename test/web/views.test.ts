import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { LANGUAGES } from '../../src/web/texts.ts';
import { VIEW_NAMES, type ViewData, type ViewName } from '../../src/web/view-data.ts';
import { createViews } from '../../src/web/views.ts';
import { samples } from './samples.ts';

const folder = fileURLToPath(new URL('../../views', import.meta.url));
const site = { folder, siteName: 'Example Sign-in', issuerHost: 'id.example.org' };
const views = createViews(site);
const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}<%= 1 %>\${1}`;

/** Printed as they are, on purpose; nothing that a person or a client supplied may reach them. */
const TRUSTED = ['totp-enrolment.qrSvg', 'sign-out.form'];

/** Every path to a string in the data of a view: `client.name`, `items.0.title`. */
function stringPaths(value: unknown, path: string[] = []): string[][] {
  if (typeof value === 'string') return [path];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => stringPaths(inner, [...path, key]));
}

function withValue<Name extends ViewName>(name: Name, path: string[], value: unknown): ViewData[Name] {
  const data = structuredClone(samples[name]);
  const last = path.at(-1) as string;
  const holder = path.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as never, data as never);
  holder[last] = value;
  return data;
}

/** Fields that choose something and are never printed. */
const CHOICES = ['totp-enrolment.reason', 'problem.field', '.form'];

const fields = VIEW_NAMES.flatMap((name) =>
  stringPaths(samples[name]).map((path) => [name, path.join('.')] as const),
).filter(
  ([name, path]) => !TRUSTED.includes(`${name}.${path}`) && !CHOICES.some((each) => `${name}.${path}`.endsWith(each)),
);

function tags(page: string): string[] {
  return page.match(/<[a-z][^>]*>/gi) ?? [];
}

describe('every page', () => {
  test.each(fields)('%s escapes %s', (name, path) => {
    const page = views.render(name, withValue(name, path.split('.'), HOSTILE), 'en');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('"\'>');
    expect(page).not.toMatch(/(href|src|action)="(?!\/|https?:|otpauth:|data:image|&quot;)[^"]/);
  });

  test.each(VIEW_NAMES)('%s carries nothing that the CSP would have to allow', (name) => {
    for (const language of LANGUAGES) {
      for (const tag of tags(views.render(name, samples[name], language))) {
        expect(tag).not.toMatch(/\s(on\w+|style)\s*=/i);
        expect(tag).not.toMatch(/^<style/i);
        if (/^<script/i.test(tag)) expect(tag).toMatch(/^<script src="\/assets\/[a-z-]+\.js\?v=[0-9a-f]{8}" defer>$/);
        if (/^<(img|link)/i.test(tag)) expect(tag).toMatch(/(src|href)="\/assets\//);
      }
    }
  });

  test.each(VIEW_NAMES)('%s says its language, one heading, one main, and whose server it is', (name) => {
    const page = views.render(name, samples[name], 'de');
    expect(page).toMatch(/^<!doctype html>\n<html lang="de" dir="ltr">/);
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page.match(/<main/g)).toHaveLength(1);
    expect(page).toMatch(/<title>\S.* · Example Sign-in<\/title>/);
    expect(page).toMatch(/<footer>.*Example Sign-in.*id\.example\.org.*<\/footer>/);
    expect(page).not.toMatch(/undefined|\bnull\b|\[object/);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, wanted] of page.matchAll(/\s(?:for|aria-describedby)="([^"]+)"/g))
      for (const id of (wanted as string).split(' ')) expect(ids).toContain(id);
  });

  test.each(VIEW_NAMES)('%s puts the token into each of its forms', (name) => {
    const page = views.render(name, samples[name], 'en');
    const ours = (page.match(/<form[^>]*>[\s\S]*?<\/form>/g) ?? []).filter((form) => !form.includes('op.logoutForm'));
    for (const form of ours) {
      expect(form).toMatch(/^<form[^>]* method="post" action="\//);
      expect(form).toContain('<input type="hidden" name="csrf" value="csrf-value">');
    }
  });

  test.each(fields)('%s prints nothing where %s is absent', (name, path) => {
    for (const absent of [undefined, null]) {
      let page = '';
      try {
        page = views.render(name, withValue(name, path.split('.'), absent), 'en');
      } catch (error) {
        // A sentence that cannot be said without it.
        expect(String(error)).toMatch(/needs a value for|not iterable|Cannot read/);
      }
      expect(page).not.toMatch(/undefined|\bnull\b/);
    }
  });
});

describe('problems', () => {
  const text = 'Email or password is not right.';
  const signIn = (field: 'email' | 'password' | 'credentials' | 'code' | null, email = 'ada@example.org') =>
    views.render('sign-in', { ...samples['sign-in'], email, problem: { field, text } }, 'en');
  const input = (page: string, id: string) => tags(page).find((tag) => tag.startsWith(`<input id="${id}"`)) ?? '';

  test.each([
    ['email', true, false],
    ['password', false, true],
    ['credentials', true, true],
    ['code', false, false], // not a field of this page: shown all the same
    [null, false, false],
  ] as const)('about %s: announced once, tied to the right fields', (field, email, password) => {
    const page = signIn(field);
    expect(page.match(/<p class="problem" id="problem" role="alert">Email or password/g)).toHaveLength(1);
    expect(input(page, 'email').includes('aria-invalid="true" aria-describedby="problem"')).toBe(email);
    expect(input(page, 'password').includes('aria-invalid="true" aria-describedby="problem"')).toBe(password);
  });

  test('a hint goes on describing the field beside the problem', () => {
    const page = views.render(
      'setup-account',
      { ...samples['setup-account'], problem: { field: 'password', text: 'Too short.' } },
      'en',
    );
    expect(page).toContain('aria-invalid="true" aria-describedby="problem password-hint"');
  });

  test('the first field that is to be filled has the focus, and only one has it', () => {
    expect(input(signIn('credentials'), 'password')).toContain(' autofocus');
    expect(input(signIn('credentials', ''), 'email')).toContain(' autofocus');
    expect(input(signIn('email'), 'email')).toContain(' autofocus');
    for (const email of ['', 'ada@example.org'])
      for (const field of ['email', 'password', null] as const)
        expect(signIn(field, email).match(/ autofocus/g)).toHaveLength(1);
  });
});

describe('single pages', () => {
  test('addresses that run something are no links', () => {
    const javascript = 'javascript:alert(1)';
    const consent = { ...samples.consent, terms: { policyUri: javascript, tosUri: ' java\nscript:alert(1)' } };
    expect(views.render('consent', consent, 'en')).not.toContain('script:');
    const client = { name: 'Meadow', host: null, logoUri: 'https://tracker.example/pixel.png' };
    expect(views.render('signed-out', { client, clientHref: javascript }, 'en')).not.toMatch(/script:|tracker/);
  });

  test.each(LANGUAGES)('consent begins with a capital letter for a client without a name, in %s', (language) => {
    expect(views.render('consent', { ...samples.consent, client: null }, language)).toMatch(/<h1[^>]*>\p{Lu}/u);
  });

  test('consent has a form for each answer, so that Enter cannot give the other one', () => {
    const forms = views.render('consent', samples.consent, 'en').match(/<form[\s\S]*?<\/form>/g) ?? [];
    const decisions = forms.map((form) =>
      [...form.matchAll(/name="decision" value="(\w+)"/g)].map(([, value]) => value),
    );
    expect(decisions).toEqual([[], ['deny'], ['allow']]);
  });

  test('signing out prints the form of the library and ties both buttons to it', () => {
    const page = views.render('sign-out', samples['sign-out'], 'en');
    expect(page).toContain(samples['sign-out'].form);
    expect(page).toContain('<button class="plain" form="op.logoutForm">');
    expect(page).toContain('<button form="op.logoutForm" name="logout" value="yes">');
  });

  test('buttons that need a script are hidden until it shows them', () => {
    expect(views.render('recovery-codes', samples['recovery-codes'], 'en')).toMatch(
      /<div class="pair" id="keep" hidden>/,
    );
  });

  test.each([
    [0, 'That was your last recovery code'],
    [1, 'One recovery code is left'],
    [7, '7 recovery codes are left'],
  ])('%d recovery codes left', (left, heading) => {
    const page = views.render('recovery-codes-left', { ...samples['recovery-codes-left'], left }, 'en');
    expect(page).toContain(`<h1>${heading}</h1>`);
  });
});

describe('an override folder', () => {
  const made: string[] = [];
  function overrides(files: Record<string, string>): string {
    const place = mkdtempSync(join(tmpdir(), 'views-'));
    made.push(place);
    mkdirSync(join(place, 'partials'));
    mkdirSync(join(place, 'assets'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    return place;
  }
  const renderHome = (overrideFolder: string) =>
    createViews({ ...site, overrideFolder }).render('home', samples.home, 'en');
  afterEach(() => {
    for (const place of made.splice(0)) rmSync(place, { recursive: true });
  });

  test('replaces a page, and leaves the others', () => {
    const overrideFolder = overrides({ 'home.eta': 'Ours: <%= it.issuer %> <%= t("home.what") %>' });
    const replaced = createViews({ ...site, overrideFolder });
    expect(replaced.render('home', samples.home, 'en')).toBe(
      'Ours: https://id.example.org Applications send you here to sign in.',
    );
    expect(replaced.render('totp', samples.totp, 'en')).toBe(views.render('totp', samples.totp, 'en'));
  });

  test('replaces a partial in every page', () => {
    const page = renderHome(overrides({ 'partials/head.eta': '<p>Our head</p>' }));
    expect(page).toContain('<p>Our head</p>');
    expect(page).toContain('<h1>This is Example Sign-in</h1>');
  });

  test('replaces the stylesheet under an address of its own', () => {
    const address = (page: string) => page.match(/look\.css\?v=\w+/)?.[0];
    const ours = renderHome(overrides({ 'assets/look.css': 'body { color: red }' }));
    expect(address(ours)).toBeDefined();
    expect(address(ours)).not.toBe(address(views.render('home', samples.home, 'en')));
  });

  test('may add partials and files of its own', () => {
    const page = renderHome(
      overrides({
        'home.eta': '<%~ include("partials/ours") %>',
        'partials/ours.eta': '<%= asset("ours.png") %>',
        'assets/ours.png': '',
      }),
    );
    expect(page).toMatch(/^\/assets\/ours\.png\?v=/);
  });

  test.each([
    '../secret',
    '/etc/hostname',
    'partials/../../secret',
    'partials/../partials/head',
    '..\\secret',
    'partials/head.eta',
    '@named',
  ])('cannot include %j', (name) => {
    const place = overrides({ 'home.eta': `<%~ include(${JSON.stringify(name)}) %>` });
    writeFileSync(join(place, '..', 'secret.eta'), 'secret');
    made.push(join(place, '..', 'secret.eta'));
    expect(() => renderHome(place)).toThrow();
  });

  test('cannot lead out by a link', () => {
    const outside = overrides({ 'home.eta': 'outside' });
    const place = overrides({});
    symlinkSync(join(outside, 'home.eta'), join(place, 'home.eta'));
    expect(() => renderHome(place)).toThrow('leads out of');
  });

  test('is refused at the start when it is misnamed, broken or missing', () => {
    expect(() => renderHome(overrides({ 'signin.eta': '' }))).toThrow('there is no page that signin.eta replaces');
    expect(() => renderHome(overrides({ 'totp.eta': '<% if ( %>' }))).toThrow('syntax');
    expect(() => renderHome('/nowhere/at/all')).toThrow('ENOENT');
  });
});

describe('the stylesheet', () => {
  const css = readFileSync(join(folder, 'assets/look.css'), 'utf8');

  test('is smaller than 10 KB and fetches nothing', () => {
    expect(Buffer.byteLength(css)).toBeLessThan(10_240);
    expect(css).not.toMatch(/url\(|@import|@font-face/);
  });

  const tokens = new Map(
    [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
      name as string,
      { light: light as string, dark: dark as string },
    ]),
  );

  /** WCAG 2.2, contrast ratio. */
  function contrast(a: string, b: string): number {
    const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
    return (lighter + 0.05) / (darker + 0.05);
  }
  function luminance(hex: string): number {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  test.each([
    ...['ground', 'card', 'field', 'wash'].map((under) => ['text', under, 4.5] as const),
    ...['ground', 'card', 'wash'].map((under) => ['soft', under, 4.5] as const),
    ...['card', 'wash'].map((under) => ['brand', under, 4.5] as const),
    ['on-brand', 'brand', 4.5],
    ['bad', 'bad-wash', 4.5],
    ['edge', 'field', 3],
    ['edge', 'card', 3],
    ['bad', 'field', 3],
    ['brand', 'field', 3],
  ] as const)('%s on %s has %d:1 in both schemes', (over, under, least) => {
    for (const scheme of ['light', 'dark'] as const)
      expect(contrast(tokens.get(over)?.[scheme] ?? '', tokens.get(under)?.[scheme] ?? '')).toBeGreaterThanOrEqual(
        least,
      );
  });
});
