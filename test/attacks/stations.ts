import { normalizeEmail } from '../../src/accounts/account.ts';
import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import type { Level } from '../../src/assurance/level.ts';
import { BY_OPERATOR, BY_SYSTEM } from '../../src/lib/by.ts';
import { DAY } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { makeSetupLink } from '../../src/setup/setup-link.ts';
import { enterByPasskey } from '../flows/own-passkeys.ts';
import { addDevices, askAsDevice, typeCode } from '../support/devices.ts';
import { mailedLink } from '../support/letters.ts';
import { createdOn } from '../support/new-passkey.ts';
import { credentialOf } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, enter, visit } from '../support/visit.ts';
import { EMAIL_STATIONS } from './email-stations.ts';

export const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** A browser that stands on a page with a form, and what a person would type there. */
export interface Station {
  agent: UserAgent;
  page: Page;
  good: Record<string, string>;
  /** What a person sees next; the flow goes on. */
  next: RegExp;
}

/** Every form of ours, by the address that it is posted to. A new form belongs here. */
export const STATIONS: Record<string, (server: TestServer) => Promise<Station>> = {
  '/interaction/:uid/password': async (server) => {
    const { agent, page, email } = await signInPage(server, SEED);
    return { agent, page, good: { email, password: PASSWORD }, next: /Enter your code/ };
  },
  '/interaction/:uid/passkey': async (server) => {
    const { agent, page, account } = await signInPage(server);
    const device = aDevice();
    await addPasskey(server, account.id, device);
    const station = onlyForm(page, `${new URL(page.url).pathname}/passkey`);
    return { agent, page: station, good: { credential: credentialOf(device, page) }, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/passkey (second factor)': async (server) => {
    const { agent, page: start, account, email } = await signInPage(server);
    const device = aDevice();
    await addPasskey(server, account.id, device);
    const page = await agent.submit(start, { email, password: PASSWORD });
    return { agent, page, good: { credential: credentialOf(device, page) }, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/totp': async (server) => {
    const { agent, page } = await secondFactorPage(server);
    return { agent, page, good: { code: codeOf(SEED) }, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/recovery-code': async (server) => {
    const { agent, page, code } = await recoveryPage(server, 10);
    return { agent, page, good: { code }, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/recovery-codes-left': async (server) => {
    const { agent, page, code } = await recoveryPage(server, 2);
    return { agent, page: await agent.submit(page, { code }), good: {}, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/totp-enrolment': async (server) => {
    const { agent, page } = await enrolmentPage(server);
    return { agent, page, good: { code: codeOf(seedOn(page)) }, next: /Keep these codes/ };
  },
  '/interaction/:uid/passkey-enrolment': async (server) => {
    const { agent, page } = await enrolmentPage(server, 'phishing-resistant');
    return { agent, page, good: createdOn(page, aDevice()), next: /Keep these codes/ };
  },
  '/interaction/:uid/later': async (server) => {
    const person = await visit(server, { firstParty: false, person: { role: 'administrator' } });
    const { page: start } = await ask(person);
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    const later = page.forms.filter(({ action }) => action.endsWith('/later'));
    return { agent: person.agent, page: { ...page, forms: later }, good: {}, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/recovery-codes': async (server) => {
    const { agent, page } = await enrolmentPage(server);
    const codes = await agent.submit(page, { code: codeOf(seedOn(page)) });
    return { agent, page: codes, good: {}, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/new-password': async (server) => {
    const start = await signInPage(server);
    await server.app.stores.accounts.requirePasswordChange(start.account.id, BY_OPERATOR);
    const page = await start.agent.submit(start.page, { email: start.email, password: PASSWORD });
    const good = { new_password: 'a rather different secret' };
    return { agent: start.agent, page, good, next: /Allow Meadow Notes/ };
  },
  '/interaction/:uid/consent': async (server) => {
    const { agent, page: signIn, email } = await signInPage(server);
    const consent = await agent.submit(signIn, { email, password: PASSWORD });
    const page = { ...consent, forms: consent.forms.filter(({ action }) => action.endsWith('/consent')) };
    return { agent, page, good: { decision: 'allow' }, next: /^http:\/\/localhost:9\/callback\?code=/ };
  },
  '/interaction/:uid/switch': async (server) => {
    const { agent, page: signIn, email } = await signInPage(server);
    const page = onlyForm(await agent.submit(signIn, { email, password: PASSWORD }), '/switch');
    return { agent, page, good: {}, next: /Choose an account/ };
  },
  '/interaction/:uid/not-open': async (server) => {
    const { account, agent, party } = await visit(server, { accounts: 'listed' });
    const { page: signIn } = await ask({ agent, party });
    const page = onlyForm(await agent.submit(signIn, { email: account.email, password: PASSWORD }), '/not-open');
    return { agent, page, good: {}, next: /Choose an account/ };
  },
  '/interaction/:uid/select-account': async (server) => {
    const { agent, party, page: signIn, email } = await signInPage(server);
    await agent.submit(signIn, { email, password: PASSWORD });
    const { page } = await ask({ agent, party }, { prompt: 'select_account' });
    return { agent, page: onlyForm(page, '/select-account'), good: { account: 'this' }, next: /Allow Meadow Notes/ };
  },
  '/setup/account': async (server) => {
    const { agent, page } = await setupPage(server);
    const good = { email: 'root@example.org', password: 'quiet otter ladder' };
    return { agent, page, good, next: /Add your authenticator app/ };
  },
  '/setup/totp': async (server) => {
    const { agent, page } = await setupTotpPage(server);
    return { agent, page, good: { code: codeOf(seedOn(page)) }, next: /Keep these codes/ };
  },
  '/setup/recovery-codes': async (server) => {
    const { agent, page } = await setupTotpPage(server);
    const codes = await agent.submit(page, { code: codeOf(seedOn(page)) });
    return { agent, page: codes, good: {}, next: /is ready/ };
  },
  '/device': async (server) => {
    const agent = createUserAgent(server.issuer);
    const { body } = await askAsDevice(server, await addDevices(server));
    const good = { user_code: body.user_code };
    return { agent, page: await agent.follow('/device'), good, next: /Is this your device/ };
  },
  '/device/decision': async (server) => {
    const agent = createUserAgent(server.issuer);
    const { body } = await askAsDevice(server, await addDevices(server));
    return { agent, page: await typeCode(agent, body.user_code), good: { decision: 'allow' }, next: /Sign in/ };
  },
  '/forgotten-password': async (server) => {
    const { email } = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    return { agent, page: await agent.follow('/forgotten-password'), good: { email }, next: /Look into your mailbox/ };
  },
  '/link (password reset)': async (server) => {
    const good = { new_password: 'a rather different secret' };
    return { ...(await linkPage(server, '/forgotten-password')), good, next: /Your password is set/ };
  },
  '/link (deletion undo)': async (server) => {
    const { id, email } = await server.addAccount();
    await server.app.stores.deletions.order(id, 14 * DAY, BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    return { agent, page: await agent.follow(await mailedLink(server, email)), good: {}, next: /Your account is kept/ };
  },
  '/sign-up': async (server) => {
    const agent = createUserAgent(server.issuer);
    const good = { email: newcomer() };
    return { agent, page: await agent.follow('/sign-up'), good, next: /Look into your mailbox/ };
  },
  '/link (sign-up)': async (server) => {
    const good = { name: 'Ada', new_password: 'a rather different secret' };
    return { ...(await linkPage(server, '/sign-up', newcomer())), good, next: /Your account is ready/ };
  },
  '/link (sign-up by passkey)': async (server) => {
    const { agent } = await linkPage(server, '/sign-up', newcomer());
    const page = await agent.follow('/link?method=passkey');
    return { agent, page, good: { name: 'Ada', ...createdOn(page, aDevice()) }, next: /Your account is ready/ };
  },
  '/link (invitation)': async (server) => {
    const email = newcomer();
    const invited = { email, emailNormalized: email, name: 'Ada', role: 'user', lifetime: DAY };
    await server.app.stores.newcomers.invite(invited, 'en', BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    const good = { new_password: 'a rather different secret' };
    return { agent, page: await agent.follow(await mailedLink(server, email)), good, next: /Your account is ready/ };
  },
  ...EMAIL_STATIONS,
  '/link (account lock)': async (server) => {
    const { id, email } = await server.addAccount();
    await server.app.stores.accounts.setPassword(id, 'hash', BY_OPERATOR);
    return { ...(await mailedPage(server, email)), good: {}, next: /Your account is locked/ };
  },
  '/link (sign-in unlock)': async (server) => {
    const { email } = await server.addAccount();
    const asked = { purpose: 'sign-in-unlock', email: normalizeEmail(email), language: 'en', by: BY_SYSTEM } as const;
    await server.app.stores.links.ask(asked);
    return { ...(await mailedPage(server, email)), good: {}, next: /The wait has ended/ };
  },
  '/link (recovery)': async (server) => {
    const { id } = await server.addAccount();
    const started = await server.app.stores.recoveries.start(id, { wait: 0, mailed: false }, BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    const good = { new_password: 'a rather different secret' };
    return { agent, page: await agent.follow(`/link/${started?.token}`), good, next: /Your account is yours again/ };
  },
  '/link (recovery stop)': async (server) => {
    const { id, email } = await server.addAccount();
    await server.app.stores.recoveries.start(id, { wait: DAY, mailed: false }, BY_OPERATOR);
    return { ...(await mailedPage(server, email)), good: {}, next: /The recovery is stopped/ };
  },
  '/account/profile': (server) => accountPage(server, 'profile', { name: 'Ada' }, /Your profile is saved/),
  '/account/password': (server) =>
    accountPage(server, 'password', { new_password: 'a rather different secret' }, /Your password is changed/),
  '/account/authenticators/new': async (server) => {
    const station = await accountPage(server, 'authenticators/new', {}, /Keep these codes/);
    return { ...station, good: { code: codeOf(seedOn(station.page)) } };
  },
  '/account/authenticators/rename': (server) =>
    accountPage(server, 'authenticators', { name: 'My phone' }, /My phone/, {
      seed: SEED,
      form: 'authenticators/rename',
    }),
  '/account/authenticators/remove': (server) =>
    accountPage(server, 'authenticators', {}, /You have none yet/, { seed: SEED, form: 'authenticators/remove' }),
  '/account/passkeys/new': async (server) => {
    const station = await accountPage(server, 'passkeys/new', {}, /Keep these codes/);
    return { ...station, good: { ...createdOn(station.page, aDevice()), name: 'My key' } };
  },
  '/account/passkeys/rename': async (server) =>
    passkeyPage(server, 'passkeys', { name: 'My key' }, /My key/, 'passkeys/rename'),
  '/account/passkeys/remove': async (server) =>
    passkeyPage(server, 'passkeys', {}, /You have none yet/, 'passkeys/remove'),
  '/account/password/remove': async (server) =>
    passkeyPage(server, 'password', {}, /Your password is removed/, 'password/remove'),
  '/account/recovery-codes/new': (server) =>
    accountPage(server, 'recovery-codes', {}, /Keep these codes/, { seed: SEED, form: 'recovery-codes/new' }),
  '/account/recovery-codes/kept': async (server) => {
    const { agent, page } = await accountPage(server, 'authenticators/new', {}, /./);
    const codes = await agent.submit(page, { code: codeOf(seedOn(page)) });
    return { agent, page: codes, good: {}, next: /10 are left/ };
  },
  '/account/sessions/end': (server) =>
    accountPage(server, 'sessions', {}, /You are signed out/, { form: 'sessions/end' }),
  '/account/sessions/end-others': (server) =>
    accountPage(server, 'sessions', {}, /This browser/, { form: 'sessions/end-others' }),
  '/account/sessions/end-all': (server) =>
    accountPage(server, 'sessions', {}, /You are signed out/, { form: 'sessions/end-all' }),
  '/account/trusted-browsers/end': (server) =>
    accountPage(server, 'sessions', {}, /This browser/, { seed: SEED, form: 'trusted-browsers/end' }),
  '/account/trusted-browsers/end-all': (server) =>
    accountPage(server, 'sessions', {}, /This browser/, { seed: SEED, form: 'trusted-browsers/end-all' }),
  '/account/applications/end': async (server) => {
    const person = await visit(server);
    await enter(person);
    const page = await person.agent.follow('/account/applications');
    return { agent: person.agent, page: onlyForm(page, '/account/applications/end'), good: {}, next: /There are none/ };
  },
  '/account/export': (server) => accountPage(server, 'export', {}, /"format": 1/),
  '/account/delete': async (server) => {
    const station = await accountPage(server, 'delete', {}, /Your account will be deleted/);
    return { ...station, good: { email: /type (\S+@\S+)</.exec(station.page.html)?.[1] ?? '' } };
  },
  '/account/sign-out': (server) => accountPage(server, 'profile', {}, /You are signed out/, { form: 'sign-out' }),
};

/** An address that nobody goes by. */
const newcomer = () => `${newId('acc').toLowerCase()}@example.org`;

/** The page of a link that somebody had mailed by typing an address. */
async function linkPage(
  server: TestServer,
  asking: string,
  newcomer?: string,
): Promise<Pick<Station, 'agent' | 'page'>> {
  const email = newcomer ?? (await server.addAccount()).email;
  const agent = createUserAgent(server.issuer);
  await agent.submit(await agent.follow(asking), { email });
  return { agent, page: await agent.follow(await mailedLink(server, email)) };
}

/** The page of the link in the newest letter. */
async function mailedPage(server: TestServer, email: string): Promise<Pick<Station, 'agent' | 'page'>> {
  const agent = createUserAgent(server.issuer);
  return { agent, page: await agent.follow(await mailedLink(server, email)) };
}

/** Somebody who has just signed in, before one form of a section. */
async function accountPage(
  server: TestServer,
  section: string,
  good: Record<string, string>,
  next: RegExp,
  { seed, form = section }: { seed?: string; form?: string } = {},
): Promise<Station> {
  const { email } = await server.addAccount(seed ? { totpSecret: seed } : {});
  const agent = createUserAgent(server.issuer);
  let page = await agent.submit(await agent.follow(`/account/${section}`), { email, password: PASSWORD });
  if (seed) page = await agent.submit(page, { code: codeOf(seed) });
  return { agent, page: onlyForm(page, `/account/${form}`), good, next };
}

/** Somebody with a passkey, who has just signed in by it, before one form of a section. */
async function passkeyPage(
  server: TestServer,
  section: string,
  good: Record<string, string>,
  next: RegExp,
  form: string,
): Promise<Station> {
  const { id } = await server.addAccount();
  const [device, agent] = [aDevice(), createUserAgent(server.issuer)];
  await addPasskey(server, id, device);
  const page = await enterByPasskey(agent, device, `/account/${section}`);
  return { agent, page: onlyForm(page, `/account/${form}`), good, next };
}

function onlyForm(page: Page, action: string): Page {
  const form = page.forms.find((one) => one.action.endsWith(action));
  if (!form) throw new Error(`no form for ${action} on ${page.url} (${page.status}): ${textOf(page.html)}`);
  return { ...page, forms: [form] };
}

/** What a person sees, or where an application is. */
export const seen = (page: Page) => (page.html ? textOf(page.html) : page.url);

export function formOf(page: Page) {
  const form = page.forms.find(({ action }) => !action.endsWith('/cancel'));
  if (!form) throw new Error(`no form on ${page.url} (${page.status}): ${seen(page)}`);
  return form;
}

export function seedOn(page: Page): string {
  const key = /class="key">([A-Z2-7 ]+)</.exec(page.html)?.[1];
  if (!key) throw new Error(`no key on ${page.url} (${page.status}): ${seen(page)}`);
  return key.replaceAll(' ', '');
}

export async function signInPage(server: TestServer, totpSecret?: string, minimumLevel?: Level) {
  const person = await visit(server, {
    firstParty: false,
    ...(totpSecret && { person: { totpSecret } }),
    ...(minimumLevel && { minimumLevel }),
  });
  const { page, authorization } = await ask(person);
  return { ...person, page, authorization, email: person.account.email };
}

export async function secondFactorPage(server: TestServer, seed = SEED) {
  const start = await signInPage(server, seed);
  const page = await start.agent.submit(start.page, { email: start.email, password: PASSWORD });
  return { ...start, page };
}

export async function enrolmentPage(server: TestServer, minimumLevel: Level = 'two-factor') {
  const start = await signInPage(server, undefined, minimumLevel);
  const page = await start.agent.submit(start.page, { email: start.email, password: PASSWORD });
  return { ...start, page };
}

/** For somebody with so many recovery codes. */
export async function recoveryPage(server: TestServer, count: number) {
  const start = await signInPage(server, undefined);
  const { accounts, lastingKeys } = server.app.stores;
  const { codes, hashes } = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes }).issue(start.account.id);
  const totp = { id: newId('otp'), name: 'App', secret: SEED, confirmedStep: 0 };
  const recoveryCodeHashes = hashes.slice(0, count);
  await accounts.enrolTotp(
    start.account.id,
    start.account.factorsVersion,
    { ...totp, recoveryCodeHashes },
    BY_OPERATOR,
  );
  const asked = await start.agent.submit(start.page, { email: start.email, password: PASSWORD });
  const link = /href="([^"]+method=recovery-code)"/.exec(asked.html)?.[1] ?? '';
  return { ...start, page: await start.agent.get(link), codes, code: codes[0] as string };
}

export async function setupPage(server: TestServer) {
  const link = await newLink(server);
  const agent = createUserAgent(server.issuer);
  return { link, agent, page: await agent.follow(link) };
}

export async function setupTotpPage(server: TestServer, email = 'root@example.org') {
  const { link, agent, page } = await setupPage(server);
  return { link, agent, page: await agent.submit(page, { email, password: 'quiet otter ladder' }) };
}

/** As if nobody had been here before. */
export async function newLink(server: TestServer): Promise<string> {
  const { setupLinks: links, accounts } = server.app.stores;
  for (const { id, role } of await accounts.list()) {
    if (role === 'administrator') await accounts.delete(id, BY_OPERATOR);
  }
  return makeSetupLink({ links, issuer: server.issuer, clock: Date.now }, BY_SYSTEM);
}
