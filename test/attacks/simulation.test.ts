import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normalizeEmail } from '../../src/accounts/account.ts';
import { BY_OPERATOR, BY_SYSTEM } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { createNames, subjectOf } from '../../src/limits/subjects.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, enter, told, type Visit, visit } from '../support/visit.ts';
import { recoveryPage, SEED, secondFactorPage } from './stations.ts';

/*
 * The attacker has as many addresses as there are, and time. How many guesses are let through, and does the owner of
 * the account notice?
 */

let server: TestServer;
const report: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1,::1' });
});
afterAll(async () => {
  process.stdout.write(`\n${report.join('\n')}\n`);
  await server[Symbol.asyncDispose]();
});

let networks = 0;
/** Another customer of a provider each time. */
function aNetwork(): string {
  networks += 1;
  return `2001:db8:${networks.toString(16)}::1`;
}

const BROWSER = 'gatewright-browser';
const browserOf = ({ jar }: UserAgent) => [...jar.values()].find(({ name }) => name === BROWSER)?.value;

/** A person whose browser has been here before, and has no session any more. */
async function owner(person: { totpSecret?: string } = {}): Promise<Visit> {
  const known = await visit(server, { person });
  known.agent.moveTo(aNetwork());
  await enter(known);
  for (const [key, { name }] of known.agent.jar) if (name !== BROWSER) known.agent.jar.delete(key);
  return known;
}

/** What a password is answered with in this browser: 303 when it was right. */
async function passwordIn({ party, agent }: Pick<Visit, 'party' | 'agent'>, email: string, password = PASSWORD) {
  const { page } = await ask({ party, agent });
  return agent.post(page, { email, password });
}

async function stranger(known: Visit): Promise<{ agent: UserAgent; page: Page }> {
  const agent = createUserAgent(server.issuer);
  agent.moveTo(aNetwork());
  return { agent, page: (await ask({ party: known.party, agent })).page };
}

async function guesses(count: number, guess: (index: number) => Promise<Page>): Promise<Record<number, number>> {
  const counted: Record<number, number> = {};
  for (let index = 0; index < count; index += 1) {
    const { status } = await guess(index);
    counted[status] = (counted[status] ?? 0) + 1;
  }
  return counted;
}

function eventsOf(name: string): number {
  const handle = openSqliteFile({ file: databaseFile(server.config.folders.data) });
  const rows = handle.prepare('SELECT 1 FROM AuditEvent WHERE event = ?').all(name);
  closeSqliteFile(handle);
  return rows.length;
}

function tell(attack: string, counted: Record<number, number>): void {
  const tried = Object.values(counted).reduce((sum, count) => sum + count, 0);
  report.push(`${attack}: ${counted[422] ?? 0} of ${tried} guesses were checked`);
}

describe('guessing', () => {
  it('one account from 200 networks: ten are checked, and the owner signs in at home meanwhile', async () => {
    const known = await owner();
    const { email } = known.account;
    const { agent, page } = await stranger(known);
    const atHome: number[] = [];
    const counted = await guesses(200, async (index) => {
      agent.moveTo(aNetwork());
      if (index % 40 === 20) atHome.push((await passwordIn(known, email)).status);
      return agent.post(page, { email, password: `guess number ${index}` });
    });
    tell('one account, 200 networks', counted);
    expect(counted).toEqual({ 422: 10, 429: 190 });
    expect(atHome).toEqual(Array(5).fill(303));
    // From a browser that nobody knows, the right password waits as well.
    expect((await agent.post(page, { email, password: PASSWORD })).status).toBe(429);
  });

  it('one account from one address: ten are checked, and going on there earns the account no wait', async () => {
    const known = await owner();
    const { email } = known.account;
    const { agent, page } = await stranger(known);
    const counted = await guesses(30, (index) => agent.post(page, { email, password: `guess number ${index}` }));
    tell('one account, one network', counted);
    expect(counted).toEqual({ 422: 10, 429: 20 });
    const waiting = (await server.app.stores.attempts.blocked(Date.now())).map(({ subject }) => subject);
    const { email: nameOf } = createNames(server.app.stores.lastingKeys.attempts);
    expect(waiting.filter((subject) => subject === subjectOf('password', nameOf(normalizeEmail(email))))).toEqual([]);
    expect(
      waiting.filter((subject) => subject.startsWith(`password-both:${nameOf(normalizeEmail(email))}`)),
    ).toHaveLength(1);
  });

  it('one password at 100 accounts from 100 networks: twenty are checked, and nobody learns whose it is', async () => {
    const sprayed = 'winter is coming 2026';
    const known = await owner();
    const popular = await owner();
    const { passwordHash } = await accountWith(sprayed);
    for (const { account } of [popular]) await setHash(account.id, passwordHash);
    const before = eventsOf('sign_in.spraying');
    const { agent, page } = await stranger(known);
    const counted = await guesses(100, async () => {
      agent.moveTo(aNetwork());
      return agent.post(page, { email: `${newId('acc')}@example.org`, password: sprayed });
    });
    tell('one password, 100 accounts', counted);
    expect(counted).toEqual({ 422: 20, 429: 80 });
    expect(eventsOf('sign_in.spraying') - before).toBe(1);

    // Right or wrong, known or not: all are told the same.
    const [right, wrong] = await Promise.all(
      [popular.account.email, known.account.email].map((email) => agent.post(page, { email, password: sprayed })),
    );
    expect([right?.status, wrong?.status]).toEqual([429, 429]);
    const shown = ({ html }: Page, email: string) =>
      textOf(html)
        .replaceAll(email, '')
        .replaceAll(/req_\w+/g, '');
    expect(shown(right as Page, popular.account.email)).toBe(shown(wrong as Page, known.account.email));
    expect((await passwordIn(popular, popular.account.email, sprayed)).status).toBe(303);
    // Another password is none of this.
    expect((await agent.post(page, { email: known.account.email, password: PASSWORD })).status).toBe(303);
  });

  it('does not mistake many people with one password for it', async () => {
    for (let count = 0; count < 25; count += 1) {
      const known = await visit(server);
      known.agent.moveTo(aNetwork());
      expect((await passwordIn(known, known.account.email)).status).toBe(303);
    }
  });

  it('many accounts from one address: fifty are checked, each with a password of its own', async () => {
    const known = await owner();
    const { agent, page } = await stranger(known);
    const before = eventsOf('sign_in.spraying');
    const counted = await guesses(70, (index) =>
      agent.post(page, { email: `${newId('acc')}@example.org`, password: `leaked password ${index}` }),
    );
    tell('70 accounts, one network', counted);
    expect(counted).toEqual({ 422: 50, 429: 20 });
    expect(eventsOf('sign_in.spraying') - before).toBe(1);
  });

  it('codes of the app from 60 networks: five are checked, also in a known browser', async () => {
    const { agent, page, party, account } = await secondFactorPage(server);
    const counted = await guesses(60, (index) => {
      agent.moveTo(aNetwork());
      return agent.post(page, { code: codeOf(SEED, 5000 + index) });
    });
    tell('codes of the app, 60 networks', counted);
    expect(counted).toEqual({ 422: 5, 429: 55 });
    expect(browserOf(agent)).toBeUndefined();
    const id = await server.app.stores.knownBrowsers.add('x', account.id, {
      provedAt: Date.now(),
      most: 10,
      by: BY_SYSTEM,
    });
    expect(id).toBe(true);
    expect((await passwordIn({ party, agent }, account.email)).status).toBe(303);
    expect((await agent.post(page, { code: codeOf(SEED) })).status).toBe(429);
  });

  it('recovery codes from 60 networks: five are checked', async () => {
    const { agent, page, codes } = await recoveryPage(server, 10);
    const counted = await guesses(60, (index) => {
      agent.moveTo(aNetwork());
      return agent.post(page, { code: `abcd-efgh-${String(1000 + index).replaceAll(/[01]/g, 'k')}` });
    });
    tell('recovery codes, 60 networks', counted);
    expect(counted).toEqual({ 422: 5, 429: 55 });
    expect((await agent.post(page, { code: codes[0] as string })).status).toBe(429);
  });
});

describe('a known browser', () => {
  async function locked(known: Visit): Promise<void> {
    const { agent, page } = await stranger(known);
    await guesses(11, (index) => {
      agent.moveTo(aNetwork());
      return agent.post(page, { email: known.account.email, password: `guess number ${index}` });
    });
  }

  it('is told by a cookie that says nothing, for 400 days, for this server alone', async () => {
    const known = await visit(server, { person: { totpSecret: SEED } });
    const { page } = await ask(known);
    const asked = await known.agent.submit(page, { email: known.account.email, password: PASSWORD });
    expect(browserOf(known.agent)).toBeUndefined();
    const done = await known.agent.post(asked, { code: codeOf(SEED) });
    const last = await known.agent.get(done.headers.get('location') ?? '');
    const line = last.headers.getSetCookie().find((one) => one.startsWith(BROWSER)) ?? '';
    expect(line).toMatch(/^gatewright-browser=gwk_[\w-]{43}; path=\/; expires=[^;]+; samesite=lax; httponly$/i);
    const expires = Date.parse(/expires=([^;]+)/i.exec(line)?.[1] ?? '');
    expect(Math.round((expires - Date.now()) / 86_400_000)).toBe(400);
  });

  it('has five wrong passwords of its own, and is like any other then', async () => {
    const known = await owner();
    await locked(known);
    const wrong = () => passwordIn(known, known.account.email, 'not the password');
    expect((await passwordIn(known, known.account.email)).status).toBe(303);
    const counted = await guesses(8, wrong);
    tell('a stolen cookie of a known browser', counted);
    expect(counted).toEqual({ 422: 5, 429: 3 });
    expect((await passwordIn(known, known.account.email)).status).toBe(429);
  });

  it('of the attacker is of no use against anybody else', async () => {
    const [victim, attacker] = [await owner(), await owner()];
    await locked(victim);
    expect((await passwordIn(attacker, victim.account.email)).status).toBe(429);
    expect((await passwordIn(attacker, attacker.account.email)).status).toBe(303);
  });

  it('stays through a new password, and ends with a sign-out everywhere', async () => {
    const { accounts } = server.app.stores;
    const known = await owner();
    await locked(known);
    await accounts.setPassword(known.account.id, known.account.passwordHash as string, BY_OPERATOR);
    expect((await passwordIn(known, known.account.email)).status).toBe(303);
    await accounts.signOut(known.account.id, BY_OPERATOR);
    expect((await passwordIn(known, known.account.email)).status).toBe(429);
  });

  it('is not made of a browser that only shows what a session proved', async () => {
    const known = await visit(server);
    await enter(known);
    for (const [key, { name }] of known.agent.jar) if (name === BROWSER) known.agent.jar.delete(key);
    const { id, factorsVersion } = known.account;
    const totp = { id: newId('otp'), name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: [] };
    await server.app.stores.accounts.enrolTotp(id, factorsVersion, totp, BY_OPERATOR);
    const { account, agent } = known;
    const strict = await visit(server, { account, agent, minimumLevel: 'two-factor' });
    const { page } = await ask(strict);
    expect(told(await agent.submit(page, { code: codeOf(SEED) })).code).toBeDefined();
    expect(browserOf(agent)).toBeUndefined();
  });
});

/** Wrong passwords for one account, each from a network of its own. */
async function floodWithPasswords(known: Visit, count: number): Promise<Record<number, number>> {
  const { agent, page } = await stranger(known);
  return guesses(count, (index) => {
    agent.moveTo(aNetwork());
    return agent.post(page, { email: known.account.email, password: `guess number ${index}` });
  });
}

const subjectsOf = async (email: string) => (await lettersTo(server, email)).map(({ subject }) => subject);

describe('mailed links', () => {
  const WAIT = 'Your sign-in has to wait';
  const RESET = 'Set a new password';

  it('flood nobody: 60 requests and 120 wrong passwords from as many networks, in an hour', async () => {
    const known = await owner();
    const { email } = known.account;
    const agent = createUserAgent(server.issuer);
    const asked: Record<number, number> = {};
    for (let index = 0; index < 60; index += 1) {
      agent.moveTo(aNetwork());
      const { status } = await agent.post(await agent.get('/forgotten-password'), { email });
      asked[status] = (asked[status] ?? 0) + 1;
    }
    expect(asked).toEqual({ 200: 5, 429: 55 });
    expect(await floodWithPasswords(known, 120)).toEqual({ 422: 10, 429: 110 });
    const subjects = await subjectsOf(email);
    expect(subjects.filter((subject) => subject === RESET)).toHaveLength(5);
    expect(subjects.filter((subject) => subject === WAIT)).toHaveLength(1);
    expect(subjects).toHaveLength(6);

    // At home nothing of it is felt, and the newest link of the five sets a password.
    expect((await passwordIn(known, email)).status).toBe(303);
    const newest = (await lettersTo(server, email)).filter(({ subject }) => subject === RESET).at(-1);
    const [href = ''] = /http\S+\/link\/\S+/.exec(newest?.text ?? '') ?? [];
    const page = await known.agent.follow(href);
    const done = await known.agent.submit(page, { new_password: 'seven quiet otters climb' });
    expect(textOf(done.html)).toContain('Your password is set');
    // And the wait has ended with it, also for a browser that nobody knows.
    const { agent: elsewhere, page: signIn } = await stranger(known);
    expect((await elsewhere.post(signIn, { email, password: 'seven quiet otters climb' })).status).toBe(303);
    report.push(`60 requests and 120 wrong passwords: ${subjects.length} letters to the owner`);
  });

  /** The owner, in a browser that nobody knows, ends the wait as often as one is told. */
  async function endWait(email: string): Promise<UserAgent> {
    const reader = createUserAgent(server.issuer);
    reader.moveTo(aNetwork());
    const unlocked = await reader.submit(await reader.follow(await mailedLink(server, email)));
    expect(textOf(unlocked.html)).toContain('The wait has ended');
    return reader;
  }

  it('that end waits do not end the row of failures: fifty guesses for an owner who ends every wait at once', async () => {
    const known = await owner();
    const { email } = known.account;
    let checked = 0;
    for (let round = 0; round < 6; round += 1) {
      checked += (await floodWithPasswords(known, 12))[422] ?? 0;
      if (round < 4) await endWait(email);
    }
    expect(checked).toBe(50);
    const letters = await subjectsOf(email);
    expect(letters).toEqual(Array(4).fill(WAIT));
    report.push(`an owner who ends every wait at once: ${checked} guesses were checked, ${letters.length} letters`);
    // The fifty-first in a row is for an operator, or for a new password.
    const { agent, page } = await stranger(known);
    const waits = await agent.post(page, { email, password: PASSWORD });
    expect([waits.status, textOf(waits.html)]).toEqual([429, expect.not.stringContaining('a letter')]);
    expect((await passwordIn(known, email)).status).toBe(303);
  });

  it('about waits are five in an hour, also for an owner who signs in after each; of the sixth nothing is seen', async () => {
    const known = await owner();
    const { email } = known.account;
    for (let round = 0; round < 6; round += 1) {
      expect(await floodWithPasswords(known, 12)).toEqual({ 422: 10, 429: 2 });
      const waits = (await subjectsOf(email)).filter((subject) => subject === WAIT);
      expect(waits).toHaveLength(Math.min(round + 1, 5));
      if (round >= 5) continue;
      const { agent, page } = await stranger(known);
      await endWait(email);
      expect((await agent.post(page, { email, password: PASSWORD })).status).toBe(303);
    }
    report.push('a wait after each sign-in: 5 letters about 6 waits');
  });

  it('are not guessed: 200 tokens from as many networks, each but a letter or three away from an open one', async () => {
    const known = await owner();
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow('/forgotten-password'), { email: known.account.email });
    const real = (await mailedLink(server, known.account.email)).split('/').at(-1) ?? '';
    const counted = await guesses(200, (index) => {
      agent.moveTo(aNetwork());
      const near = `${real.slice(0, -3)}${String(index).padStart(3, '0')}`;
      return agent.get(`/link/${near === real ? 'gwl_' : near}`);
    });
    expect(counted).toEqual({ 410: 200 });
    expect((await agent.get(`/link/${real}`)).status).toBe(303);
    report.push('tokens of links, 200 networks: 0 of 200 guesses opened one');
  });

  it('give no more codes: five before the wait and the unlock, none after them', async () => {
    const { agent, page, party, account } = await secondFactorPage(server);
    const known = { account, party, agent } as Visit;
    const code = (index: number) => {
      agent.moveTo(aNetwork());
      return agent.post(page, { code: codeOf(SEED, 5000 + index) });
    };
    expect(await guesses(10, code)).toEqual({ 422: 5, 429: 5 });
    await floodWithPasswords(known, 12);
    const reader = createUserAgent(server.issuer);
    await reader.submit(await reader.follow(await mailedLink(server, account.email)));
    const { agent: second, page: signIn } = await stranger(known);
    const asked = await second.submit(signIn, { email: account.email, password: PASSWORD });
    const counted = await guesses(10, (index) => {
      second.moveTo(aNetwork());
      return second.post(asked, { code: codeOf(SEED, 6000 + index) });
    });
    expect(counted).toEqual({ 429: 10 });
    report.push('codes of the app after a wait that was ended: 0 of 10 guesses were checked');
  });

  it('that lock, in the hands of a stranger who found a letter: locks once, and opens nothing', async () => {
    const known = await owner();
    const { id, email, passwordHash } = known.account;
    await setHash(id, passwordHash as string);
    await setHash(id, passwordHash as string);
    const letters = await lettersTo(server, email);
    const links = letters.map(({ text }) => /http\S+\/link\/gwl_\S+/.exec(text ?? '')?.[0] ?? '');
    expect(links).toHaveLength(2);
    const finder = createUserAgent(server.issuer);
    const page = await finder.follow(String(links[0]));
    // The form of this link for what others do, with fields of theirs.
    const locked = await finder.submit(
      { ...page, forms: page.forms.map((form) => ({ ...form, fields: { ...form.fields, new_password: '' } })) },
      { new_password: 'the password of a stranger' },
    );
    expect(textOf(locked.html)).toContain('Your account is locked');
    expect(await server.app.stores.accounts.find(id)).toMatchObject({ passwordHash: null, status: 'active' });
    for (const link of links) expect((await finder.follow(link)).status).toBe(410);
    const signIn = await finder.follow('/account');
    for (const password of [PASSWORD, 'the password of a stranger']) {
      expect((await finder.post(signIn, { email, password })).status).toBe(422);
    }
    // Neither the page nor a cookie has the link that went to the mailbox.
    const fresh = (await mailedLink(server, email)).split('/').at(-1) ?? '?';
    expect([locked.html, ...finder.seenCookies].filter((text) => text.includes(fresh))).toEqual([]);
    const atHome = createUserAgent(server.issuer);
    const reset = await atHome.follow(`/link/${fresh}`);
    await atHome.submit(reset, { new_password: 'seven quiet otters climb' });
    const back = await atHome.submit(await atHome.follow('/account'), { email, password: 'seven quiet otters climb' });
    expect(new URL(back.url).pathname).toBe('/account');
    report.push('a found letter: locked once, 0 sign-ins');
  });
});

async function accountWith(password: string) {
  const { createPasswords } = await import('../../src/accounts/passwords.ts');
  return { passwordHash: await createPasswords(server.config.password).hash(password) };
}

async function setHash(accountId: string, passwordHash: string): Promise<void> {
  await server.app.stores.accounts.setPassword(accountId, passwordHash, BY_OPERATOR);
}
