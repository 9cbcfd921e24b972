import type { AddressInfo } from 'node:net';
import path from 'node:path';
import Koa from 'koa';
import { serveAssets } from '../../src/web/assets.ts';
import { securityHeaders } from '../../src/web/headers.ts';
import { createMailViews, MAIL_NAMES, type MailView } from '../../src/web/mail-views.ts';
import { createPages } from '../../src/web/page.ts';
import { LANGUAGES, textKeys } from '../../src/web/texts.ts';
import type { ViewData, ViewName } from '../../src/web/view-data.ts';
import { createViews } from '../../src/web/views.ts';
import { samples } from '../web/samples.ts';

const folder = path.join(import.meta.dirname, '../../views');
const siteName = 'Meadow';
const { sessions } = samples['account-sessions'];
const somewhere = { browser: null, system: null, address: null, isThis: false };

/** What a page may show beside its sample, and beside that one's problem. A page with one more look belongs here. */
const LOOKS: { [Name in ViewName]?: Partial<ViewData[Name]>[] } = {
  'sign-in': [
    { client: null, cancelAction: null, email: '' },
    { passkey: null, problem: null },
    { problem: { field: 'passkey', text: 'That passkey was not accepted.' } },
  ],
  'recovery-codes-left': [{ left: 0 }],
  consent: [{ client: null, switchAction: null, terms: { policyUri: null, tosUri: null }, selfRegistered: false }],
  'not-open': [{ client: null, canSwitch: false }],
  totp: [{ trust: null }],
  'recovery-code': [{ trust: null }],
  'totp-enrolment': [{ reason: 'chosen', later: null, cancelAction: null, backHref: '/account/authenticators' }],
  'passkey-enrolment': [{ isDemanded: true, later: null, totpHref: null, passkeyHref: null }, { reason: 'policy' }],
  'device-confirm': [{ browser: null, system: null, address: null, accountEmail: null }],
  'signed-out': [{ client: null, clientHref: null }],
  error: [{ client: null, hint: null, retryAt: null, ownHref: '/account' }],
  account: [
    { name: null, notice: null, emailVerified: false, passkeys: 0, authenticators: 0, recoveryCodes: 0, sessions: 1 },
    { notice: null, hasPassword: false, passkeys: 1, authenticators: 0, recoveryCodes: 2, fewCodes: true },
  ],
  'account-password': [{ hasPassword: false, mayRemove: false, problem: null }],
  'account-passkeys': [
    { passkeys: [] },
    { kept: 'last-way-in' },
    { kept: 'demanded', mayAdd: false },
    { offered: false, mayAdd: false },
  ],
  'account-authenticators': [{ authenticators: [] }, { mayRemove: false }],
  'account-recovery-codes': [{ guarded: false, left: 0 }],
  'account-sessions': [
    { sessions: [...sessions, ...sessions.map((one) => ({ ...one, ...somewhere, uid: 'u2' }))] },
    { trusted: [] },
  ],
  'account-applications': [{ applications: [] }],
  'account-activity': [{ events: [], isFirst: true, olderHref: null }],
  'account-delete': [{ days: 0 }, { mail: false }],
};

/** The most that a message can say, where that is more than its name. */
const SAYING: Partial<Record<string, Omit<MailView['about'], 'message'>>> = {
  'recovery-code-used': { left: 2 },
  incident: { must: 'password', passkeysRemoved: 2 },
  'account-locked': { passkeysRemoved: 1 },
  'deletion-asked': { until: Date.UTC(2026, 10, 28, 13, 5) },
  'browser-trusted': { until: Date.UTC(2026, 11, 21, 13, 5) },
  invitation: { until: Date.UTC(2026, 10, 28, 13, 5) },
  'account-recovery': { from: Date.UTC(2026, 10, 22, 13, 5), until: Date.UTC(2026, 10, 25, 13, 5) },
  'account-recovery-link': { from: Date.UTC(2026, 10, 22, 13, 5), until: Date.UTC(2026, 10, 25, 13, 5) },
};

/** A page as its sample has it, without the problem, with one that is about no field, and in its other looks. */
export function looksOf<Name extends ViewName>(name: Name): ViewData[Name][] {
  const sample = samples[name];
  if (!sample) throw new Error(`${name} is a page without a picture here: give it a sample in test/web/samples.ts`);
  const problems = [null, { field: null, text: 'Too many tries. Try again in 4 minutes.' }];
  const others = 'problem' in sample ? problems.map((problem) => ({ problem })) : [];
  return [{}, ...others, ...(LOOKS[name] ?? [])].map((look) => ({ ...sample, ...look }));
}

/** Those whose texts speak of a link. */
const LINKED = new Set(textKeys('en').flatMap((key) => /^mail\.(.+)\.action$/.exec(key)?.[1] ?? []));

export function everyMail(): { name: string; html: string }[] {
  const letter = { name: 'Ada Example', at: Date.UTC(2026, 10, 21, 13, 5) };
  const render = createMailViews({ folder, siteName, issuer: 'https://id.example.org' });
  return MAIL_NAMES.map((message) => ({ message, ...SAYING[message] })).flatMap((about) =>
    LANGUAGES.map((locale) => ({
      name: `${about.message} in ${locale}`,
      html: render({ ...letter, locale, about, ...(LINKED.has(about.message) && { token: 'gwl_token' }) }).html,
    })),
  );
}

/** Shows the pages with the headers and files of the server: `/VIEW?look=0`, in the language of the browser. */
export async function startGallery() {
  const pages = createPages(createViews({ folder, siteName, issuerHost: 'id.example.org' }));
  const koa = new Koa();
  koa.use(securityHeaders({ https: false }));
  koa.use(serveAssets({ folder }));
  koa.use((ctx) => {
    const name = ctx.path.slice(1) as ViewName;
    pages.send(ctx, name, looksOf(name)[Number(ctx.query['look'])] as ViewData[typeof name]);
  });
  const server = koa.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
