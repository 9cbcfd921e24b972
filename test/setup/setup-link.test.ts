import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { offerSetup } from '../../src/setup/offer.ts';
import { makeSetupLink } from '../../src/setup/setup-link.ts';
import { newLink, seedOn, seen, setupPage, setupTotpPage } from '../attacks/stations.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const GOOD = { email: 'root@example.org', password: 'quiet otter ladder' };
const GONE = /This link does not work any more/;
const anotherLink = () =>
  makeSetupLink({ links: server.app.stores.setupLinks, issuer: server.issuer, clock: Date.now }, BY_OPERATOR);

describe('the set-up link', () => {
  it('leads to an administrator with a second factor, and ends', async () => {
    const { link, agent, page } = await setupPage(server);
    const enrolment = await agent.submit(page, { ...GOOD, name: 'Grace Hopper' });
    const seed = seedOn(enrolment);
    const codes = await agent.submit(enrolment, { code: codeOf(seed) });
    expect(seen(codes)).toMatch(/Keep these codes/);
    // Until the person says that they are kept, they can be seen again: the page may have got lost on the way.
    expect((await agent.follow('/setup')).html.match(/<li>/g)).toHaveLength(10);
    const over = await agent.submit(codes);
    expect(seen(over)).toMatch(/is ready.*root@example\.org/);

    const { accounts } = server.app.stores;
    const account = await accounts.findByEmail('root@example.org');
    expect(account).toMatchObject({
      role: 'administrator',
      hasTotp: true,
      emailVerified: true,
      claims: { name: 'Grace Hopper' },
    });
    expect(await accounts.recoveryCodesLeft(account?.id ?? '')).toBe(10);
    expect((await accounts.totpCredentials(account?.id ?? ''))[0]?.secret).toBe(seed);
    expect(agent.jar.size).toBe(0);
    for (const address of [link, '/setup']) expect(seen(await agent.follow(address))).toMatch(GONE);
    expect(seen(await createUserAgent(server.issuer).follow(await anotherLink()))).toMatch(GONE);
  });

  it('takes its token out of the address at once, tells it to no other site and leaves it in no cache', async () => {
    const link = await newLink(server);
    const token = link.split('/').at(-1) ?? '';
    const agent = createUserAgent(server.issuer);
    const first = await agent.request(link);
    expect([first.status, first.headers.get('location')]).toEqual([303, '/setup']);
    expect(first.headers.get('referrer-policy')).toBe('no-referrer');
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(await first.text()).not.toContain(token);
    const [cookie = ''] = first.headers.getSetCookie();
    expect(cookie).toMatch(/; path=\/setup; expires=.*; samesite=lax; httponly$/);
    const page = await agent.follow('/setup');
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(page.html).not.toContain(token);
    expect(server.logged.join('')).not.toContain(token);
    const lines = server.logged.map((line) => JSON.parse(line) as { route?: string }).map(({ route }) => route);
    expect(lines).toEqual(expect.arrayContaining(['/setup/:token', '/setup']));
  });

  it('shows the same to whoever guesses', async () => {
    const spent = await newLink(server);
    await anotherLink();
    const shapes = new Set<string>();
    for (const address of [
      spent,
      '/setup/gwl_guess',
      `/setup/${'x'.repeat(2000)}`,
      '/setup/%00',
      '/setup/..%2f..%2fetc',
    ]) {
      const { status, html } = await createUserAgent(server.issuer).get(address);
      shapes.add(JSON.stringify([status, textOf(html).replace(/req_\w+/, '')]));
    }
    expect([...shapes]).toEqual([expect.stringMatching(/^\[410,".*This link does not work any more/)]);
  });

  it('is one for two browsers: of those that finish at the same time, one makes the administrator', async () => {
    const first = await setupTotpPage(server);
    const second = createUserAgent(server.issuer);
    const same = await second.submit(await second.follow(first.link), GOOD);
    // Both have passed every check before either goes on.
    const { setupLinks } = server.app.stores;
    const { spend } = setupLinks;
    const { promise: both, resolve } = Promise.withResolvers<void>();
    let arrived = 0;
    setupLinks.spend = async (...args) => {
      arrived += 1;
      if (arrived === 2) resolve();
      await both;
      return spend(...args);
    };
    const browsers = [
      { agent: first.agent, page: first.page },
      { agent: second, page: same },
    ];
    const answers = await Promise.all(
      browsers.map(({ agent, page }) => agent.post(page, { code: codeOf(seedOn(page)) })),
    );
    setupLinks.spend = spend;
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410]);
    const administrators = (await server.app.stores.accounts.list()).filter(({ role }) => role === 'administrator');
    expect(administrators).toHaveLength(1);
    for (const [index, { agent }] of browsers.entries()) {
      expect(seen(await agent.follow('/setup'))).toMatch(answers[index]?.status === 303 ? /Keep these codes/ : GONE);
    }
  });

  it('shows and gives nothing of what was done in one browser to another that has it too', async () => {
    const { link, agent, page } = await setupPage(server);
    const spy = createUserAgent(server.issuer);
    const spied = await spy.follow(link);
    const enrolment = await agent.submit(page, GOOD);
    expect(seen(await spy.follow('/setup'))).toMatch(/Create the administrator/);
    expect(spied.forms[0]?.fields['csrf']).not.toBe(page.forms[0]?.fields['csrf']);
    expect(await spy.post(enrolment, { code: codeOf(seedOn(enrolment)) })).toMatchObject({ status: 403 });

    // What the spy says in between is about an account that never comes to be.
    const typed = { email: GOOD.email, password: 'known to the spy' };
    expect(seedOn(await spy.submit(spied, typed))).not.toBe(seedOn(enrolment));
    const codes = await agent.submit(enrolment, { code: codeOf(seedOn(enrolment)) });
    expect(seen(codes)).toMatch(/Keep these codes/);
    for (const address of ['/setup', link]) expect(seen(await spy.follow(address))).toMatch(GONE);
    const { passwordHash = null } = (await server.app.stores.accounts.findByEmail(GOOD.email)) ?? {};
    const { verify } = createPasswords(server.config.password);
    expect([await verify(passwordHash, typed.password), await verify(passwordHash, GOOD.password)]).toEqual([
      false,
      true,
    ]);
  });

  it('loses no recovery codes where another tab writes in the moment in which the account is made', async () => {
    const { agent, page } = await setupPage(server);
    const enrolment = await agent.submit(page, GOOD);
    const { setupLinks } = server.app.stores;
    const { spend } = setupLinks;
    setupLinks.spend = async (...args) => {
      setupLinks.spend = spend;
      const tab = await agent.post(page, { ...GOOD, email: 'other@example.org' });
      expect(tab.status).toBe(303);
      return spend(...args);
    };
    const codes = await agent.submit(enrolment, { code: codeOf(seedOn(enrolment)) });
    expect(seen(codes)).toMatch(/Keep these codes/);
    expect(seen(await agent.submit(codes))).toMatch(/is ready.*root@example\.org/);
  });

  it('loses none either where the other tab had asked before and writes after', async () => {
    const { agent, page } = await setupPage(server);
    const enrolment = await agent.submit(page, GOOD);
    const { accounts } = server.app.stores;
    const { findByEmail } = accounts;
    accounts.findByEmail = async () => {
      accounts.findByEmail = findByEmail;
      await agent.post(enrolment, { code: codeOf(seedOn(enrolment)) });
      return null;
    };
    const tab = await agent.submit(page, { ...GOOD, email: 'other@example.org' });
    expect(seen(tab)).toMatch(/Keep these codes/);
  });

  it('ends after an hour, also in the middle', async () => {
    const own = await startTestServer();
    try {
      const begun = await setupTotpPage(own);
      own.passTime(toMilliseconds(HOUR) + 1000);
      expect(seen(await createUserAgent(own.issuer).follow(begun.link))).toMatch(GONE);
      const late = await begun.agent.submit(begun.page, { code: codeOf(seedOn(begun.page), 120) });
      expect([late.status, seen(late)]).toEqual([410, expect.stringMatching(GONE)]);
      expect(await own.app.stores.accounts.hasAdministrator()).toBe(false);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('ends when another is made, also in the middle', async () => {
    const begun = await setupTotpPage(server);
    const replaced = await anotherLink();
    const late = await begun.agent.submit(begun.page, { code: codeOf(seedOn(begun.page)) });
    expect([late.status, seen(late)]).toEqual([410, expect.stringMatching(GONE)]);
    expect(seen(await begun.agent.follow(begun.link))).toMatch(GONE);
    expect(seen(await createUserAgent(server.issuer).follow(replaced))).toMatch(/Create the administrator/);
  });

  it('ends when an administrator comes from elsewhere, also in the middle', async () => {
    const begun = await setupTotpPage(server);
    await server.addAccount({ role: 'administrator' });
    const late = await begun.agent.submit(begun.page, { code: codeOf(seedOn(begun.page)) });
    expect(late.status).toBe(410);
    expect(seen(await createUserAgent(server.issuer).follow(begun.link))).toMatch(GONE);
    expect(await server.app.stores.accounts.findByEmail('root@example.org')).toBeNull();
  });

  it.each([
    ['a password of seven letters', { ...GOOD, password: 'x1y2z3a' }, 'too short'],
    ['a password that is short in what people see', { ...GOOD, password: '😀😀😀😀' }, 'too short'],
    ['a password of 257 letters', { ...GOOD, password: 'x'.repeat(257) }, 'too long'],
    ['a known password with a year', { ...GOOD, password: 'Sunshine2026!' }, 'easily guessed'],
    ['their own name', { ...GOOD, name: 'Grace Hopper', password: 'gr4ce-hopper' }, 'your name or address'],
    ['the name of this server', { ...GOOD, password: 'Gatewright99' }, 'the name of this service'],
    ['no password', { ...GOOD, password: '' }, 'too short'],
    ['no address', { ...GOOD, email: ' ' }, 'Type your email address'],
    ['what is no address', { ...GOOD, email: '"><script>alert(1)</script>' }, 'not an email address'],
  ])('refuses %s and keeps the link open', async (_name, typed, reason) => {
    const { agent, page } = await setupPage(server);
    const refused = await agent.submit(page, typed);
    expect([refused.status, textOf(refused.html)]).toEqual([422, expect.stringContaining(reason)]);
    expect(refused.html).not.toContain('<script>');
    expect(refused.html).not.toContain(typed.password || '\u0000');
    expect(seen(await agent.submit(refused, GOOD))).toMatch(/Add your authenticator app/);
  });

  it('refuses an address that is taken, from the first page and where it was taken meanwhile', async () => {
    const taken = await server.addAccount({ email: 'Taken@example.org' });
    const { agent, page } = await setupPage(server);
    const refused = await agent.submit(page, { ...GOOD, email: 'tAKEN@example.org' });
    expect([refused.status, textOf(refused.html)]).toEqual([
      422,
      expect.stringContaining('There is an account with this address'),
    ]);

    const enrolment = await agent.submit(refused, { ...GOOD, email: 'late@example.org' });
    await server.addAccount({ email: 'late@example.org' });
    const late = await agent.submit(enrolment, { code: codeOf(seedOn(enrolment)) });
    expect([late.status, textOf(late.html)]).toEqual([
      422,
      expect.stringContaining('There is an account with this address'),
    ]);
    const other = await agent.submit(late, { ...GOOD, email: 'free@example.org' });
    expect(seen(await agent.submit(other, { code: codeOf(seedOn(other)) }))).toMatch(/Keep these codes/);
    expect(await server.app.stores.accounts.find(taken.id)).toMatchObject({ role: 'user' });
  });

  it('makes nobody before the second factor is confirmed: its pages cannot be skipped', async () => {
    const { agent, page, link } = await setupTotpPage(server);
    const csrf = page.forms[0]?.fields['csrf'] ?? '';
    const post = (step: string, fields: Record<string, string>) =>
      agent.request(`/setup/${step}`, {
        method: 'POST',
        body: new URLSearchParams({ csrf, ...fields }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      });
    for (const [step, fields] of [
      ['recovery-codes', {}],
      ['totp', { code: '' }],
      ['totp', { code: '000000', secret: seedOn(page) }],
      ['done', {}],
      ['account/totp', {}],
    ] as [string, Record<string, string>][]) {
      const { status } = await post(step, fields);
      expect([step, [404, 410, 422].includes(status)]).toEqual([step, true]);
    }
    expect(await server.app.stores.accounts.hasAdministrator()).toBe(false);
    expect(seen(await agent.follow(link))).toMatch(/Add your authenticator app/);
    expect(page.forms.flatMap(({ fields }) => Object.values(fields)).join(' ')).not.toContain(seedOn(page));
  });

  it('forgets a seed that was not confirmed within ten minutes', async () => {
    const own = await startTestServer();
    try {
      const { agent, page } = await setupTotpPage(own);
      own.passTime(toMilliseconds(10 * MINUTE) + 1000);
      const next = await agent.submit(page, { code: codeOf(seedOn(page), 20) });
      expect(seedOn(next)).not.toBe(seedOn(page));
      expect(await own.app.stores.accounts.hasAdministrator()).toBe(false);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('what a start offers', () => {
  async function offer(terminal: boolean) {
    const lines: string[] = [];
    const printed: string[] = [];
    await offerSetup({
      ...{ config: server.config, stores: server.app.stores },
      log: pino({}, { write: (line: string) => void lines.push(line) }),
      terminal: terminal ? { write: (text) => printed.push(text) } : null,
    });
    return { log: lines.join(''), printed: printed.join('') };
  }
  const file = () => path.join(server.config.folders.data, 'setup-link');

  it('is a file for its owner only where nobody reads along, and the log says no more than where it is', async () => {
    await newLink(server);
    writeFileSync(file(), 'older', { mode: 0o644 });
    const { log, printed } = await offer(false);
    const link = readFileSync(file(), 'utf8').trim();
    expect(link).toMatch(new RegExp(`^${server.issuer}/setup/gwl_[\\w-]{43}$`));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(log).toContain(JSON.stringify(file()));
    expect(log).not.toContain(link.split('/').at(-1));
    expect(printed).toBe('');
    expect(seen(await createUserAgent(server.issuer).follow(link))).toMatch(/Create the administrator/);
  });

  it('is printed on a terminal, and written nowhere', async () => {
    await newLink(server);
    const { log, printed } = await offer(true);
    const link = /http\S+/.exec(printed)?.[0] ?? '';
    expect([log, existsSync(file())]).toEqual(['', false]);
    expect(seen(await createUserAgent(server.issuer).follow(link))).toMatch(/Create the administrator/);
  });

  it('is gone as soon as it was used', async () => {
    await newLink(server);
    await offer(false);
    const agent = createUserAgent(server.issuer);
    const enrolment = await agent.submit(await agent.follow(readFileSync(file(), 'utf8').trim()), GOOD);
    expect(existsSync(file())).toBe(true);
    expect(seen(await agent.submit(enrolment, { code: codeOf(seedOn(enrolment)) }))).toMatch(/Keep these codes/);
    expect(existsSync(file())).toBe(false);
  });

  it('ends the one before, and is nothing once there is an administrator', async () => {
    const before = await newLink(server);
    await offer(false);
    expect(seen(await createUserAgent(server.issuer).follow(before))).toMatch(GONE);
    await server.addAccount({ role: 'administrator' });
    expect(await offer(false)).toEqual({ log: '', printed: '' });
    expect(await offer(true)).toEqual({ log: '', printed: '' });
    expect(existsSync(file())).toBe(false);
  });
});
