import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Message } from '../../src/mail/message.ts';
import { createMailViews, type MailView } from '../../src/web/mail-views.ts';
import { LANGUAGES } from '../../src/web/texts.ts';

const folder = path.join(import.meta.dirname, '../../views');
const site = { folder, siteName: 'Meadow', issuer: 'https://id.example.org' };
const about: Message[] = [
  ...([{ message: 'totp-added' }, { message: 'password-set' }, { message: 'factors-reset' }] as const),
  ...([{ message: 'account-disabled' }, { message: 'account-enabled' }, { message: 'test' }] as const),
  { message: 'password-change-required' },
  ...(['password', 'sign-in', 'sign-in-there'] as const).map((must) => ({ message: 'incident', must }) as const),
  ...([{ message: 'sign-up' }, { message: 'sign-up-known' }] as const),
  { message: 'invitation', until: Date.UTC(2026, 10, 28, 13, 5) },
  ...(['email-verification', 'email-change', 'email-change-asked', 'email-changed'] as const).map((message) => ({
    message,
  })),
  ...(['email-new', 'email-undone', 'email-taken', 'email-set'] as const).map((message) => ({ message })),
  ...([{ message: 'password-changed' }, { message: 'password-changed', byLink: true }] as const),
  ...([{ message: 'totp-removed' }, { message: 'totp-removed', byOperator: true }] as const),
  ...([{ message: 'recovery-codes-replaced' }, { message: 'account-locked' }, { message: 'sign-in-locked' }] as const),
  ...['Firefox on Linux', 'curl', null].map(
    (browser) => ({ message: 'new-browser', browser, address: browser && '192.0.2.7' }) as const,
  ),
  ...[0, 1, 2].map((left) => ({ message: 'recovery-code-used', left }) as const),
];
const letter = (some: Partial<MailView> = {}): MailView => ({
  ...{ name: 'Zoë O’Neil-Šmíd Jr.', locale: null, at: Date.UTC(2026, 10, 21, 13, 5) },
  ...{ about: { message: 'totp-added' }, ...some },
});

/** A folder of the operator's with these files in its `mails/`. */
function overriding(files: Record<string, string>): string {
  const own = mkdtempSync(path.join(tmpdir(), 'gatewright-views-'));
  onTestFinished(() => rmSync(own, { recursive: true, force: true }));
  mkdirSync(path.join(own, 'mails'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(own, 'mails', name), text);
  return own;
}

describe('mails', () => {
  it.each(about.flatMap((each) => LANGUAGES.map((language) => [each, language] as const)))(
    '%j in %s say who writes, to whom and when, twice',
    (each, locale) => {
      const { language, subject, text, html } = createMailViews(site)(letter({ about: each, locale }));
      expect([language, subject]).toEqual([locale, expect.stringMatching(/^\S.{8,70}$/)]);
      expect(html).toContain(`<html lang="${locale}" dir="ltr">`);
      for (const form of [text, html]) {
        expect(form).toContain('Zoë O’Neil-Šmíd Jr.,');
        expect(form).toMatch(/2026.*13:05|2026.*1:05\sPM/);
        expect(form).toContain('Meadow');
        expect(form).toContain('https://id.example.org');
        expect(form).not.toMatch(/undefined|\bnull\b|\[object|[{}]/);
      }
      expect(text).not.toMatch(/<|&amp;|\n{3}/);
      expect(html).not.toMatch(/<img|<script|<link|<style|url\(/i);
    },
  );

  it('say which browser and system, in the reader’s words, and from where', () => {
    const render = createMailViews(site);
    const text = (locale: string, browser: string | null, address: string | null) =>
      render(letter({ locale, about: { message: 'new-browser', browser, address } })).text.replaceAll('\n', ' ');
    expect(text('en', 'Firefox on Linux', '192.0.2.7')).toContain('Firefox on Linux. Network address: 192.0.2.7.');
    expect(text('de', 'Firefox on Linux', '192.0.2.7')).toContain('Firefox, Linux. Netzwerkadresse: 192.0.2.7.');
    expect(text('de', null, null)).toContain('Browser: unbekannt. Netzwerkadresse: unbekannt.');
  });

  it('call what their link does by its name', () => {
    const render = createMailViews(site);
    const html = (message: 'password-set' | 'sign-in-locked' | 'account-locked' | 'password-reset') =>
      render(letter({ about: { message }, token: 'gwl_x' })).html;
    const link = (label: string) => new RegExp(`href="https://id.example.org/link/gwl_x"[^>]*>${label}</a>`);
    expect(html('password-set')).toMatch(link('This was not me: lock my account'));
    expect(html('sign-in-locked')).toMatch(link('End the wait'));
    expect(html('account-locked')).toMatch(link('Set a new password'));
    expect(html('password-reset')).toMatch(link('Set a new password'));
  });

  it('count the recovery codes that are left', () => {
    const render = createMailViews(site);
    const left = (n: number) => render(letter({ about: { message: 'recovery-code-used', left: n } })).text;
    expect(left(0)).toContain('That was the last one.');
    expect(left(1)).toContain('One code is left.');
    expect(left(7)).toContain('7 codes are left.');
  });

  it('escape the name of the site in markup, and leave it as it is in text', () => {
    const siteName = `"'><script>alert(1)</script><%= 1 %>&`;
    const { text, html } = createMailViews({ ...site, siteName })(letter());
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;script&gt;');
    expect(text).toContain(siteName);
  });

  it.each([
    ...[
      'Click https://evil.example now',
      'evil.example',
      'www.evil.example',
      'eve@example.net',
      '<b>Ada</b>',
      'a\nBcc: b',
    ],
    ...['+49 30 1234', 'x'.repeat(81), '   ', ''],
  ])('call nobody by what is no name, which a mail program would make a link of: %j', (name) => {
    const { text, html } = createMailViews(site)(letter({ name }));
    expect(text).toMatch(/^Hello,\n/);
    expect(html).toContain('>Hello,<');
  });

  it('say that recovery codes ended only where they did', () => {
    const render = createMailViews(site);
    expect(render(letter()).text).toContain('no longer work');
    const beside = render(letter({ about: { message: 'totp-added', codesKept: true } })).text;
    expect(beside).toContain('an authenticator app was added');
    expect(beside).not.toContain('no longer work');
  });

  it('are replaced by the operator, one of them or what all share', () => {
    const overrideFolder = overriding({
      'totp-added.text.eta': 'Ours: <%= it.subject %> & <%= it.siteName %>',
      'notice.html.eta': '<p>Shared: <%= it.message %> <%= it.siteName %></p>',
    });
    const render = createMailViews({ ...site, siteName: 'A & B', overrideFolder });
    expect(render(letter())).toMatchObject({
      text: 'Ours: An authenticator app was added to your account & A & B',
      html: '<p>Shared: totp-added A &amp; B</p>',
    });
    expect(render(letter({ about: { message: 'test' } })).text).toContain('Hello ');
  });

  it.each([
    ['another name', { 'totp.text.eta': 'x' }, /there is no mail that totp\.text\.eta replaces/],
    ['a broken template', { 'notice.html.eta': '<% if ( %>' }, /cannot be used/],
  ])('of the operator are checked at start: %s', (_, files, problem) => {
    expect(() => createMailViews({ ...site, overrideFolder: overriding(files) })).toThrow(problem);
  });

  it('refuse a template that leads out of the folder', () => {
    const own = overriding({});
    const outside = overriding({ 'notice.text.eta': 'x' });
    symlinkSync(path.join(outside, 'mails/notice.text.eta'), path.join(own, 'mails/notice.text.eta'));
    expect(() => createMailViews({ ...site, overrideFolder: own })).toThrow('leads out of');
  });
});
