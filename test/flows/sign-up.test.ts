import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { newId, newSecret } from '../../src/lib/ids.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { allow } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, told, visit } from '../support/visit.ts';

/*
 * The attacker asks for accounts in the names of others, wants to learn who has one, to have letters say what they like,
 * and to come into an account whose mailbox is not theirs.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SIGN_UP: 'open', LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const NEW = 'seven quiet otters climb';
const someone = () => `${newId('acc').toLowerCase()}@example.org`;
const shouted = (email: string) => email.replace(/^[^@]+/, (name) => name.toUpperCase());
const hrefOf = (page: Page, text: string) => new RegExp(`href="([^"]+)">${text}<`).exec(page.html)?.[1] ?? '';

async function askedFor(email: string, { at = server, agent = createUserAgent(at.issuer) } = {}) {
  return { agent, page: await agent.submit(await agent.follow('/sign-up'), { email }) };
}

/** The page of a link that was just mailed to somebody, in a browser of its own. */
async function opened(email: string): Promise<{ agent: UserAgent; page: Page; href: string }> {
  await askedFor(email);
  const href = await mailedLink(server, email);
  const agent = createUserAgent(server.issuer);
  return { agent, href, page: await agent.follow(href) };
}

const accountOf = (email: string) => server.app.stores.accounts.findByEmail(email.toLowerCase());

async function signedIn(email: string, password: string, at = server): Promise<Page> {
  const agent = createUserAgent(at.issuer);
  return agent.submit(await agent.follow('/account'), { email, password });
}

describe('a sign-up', () => {
  it('goes from the application by the letter back into its sign-in, and its tokens say that the address is proved', async () => {
    const email = `Ada.${someone()}`;
    const person = await visit(server, { account: await server.addAccount() });
    const { authorization, page } = await ask(person, { scope: 'openid email profile', ui_locales: 'en' });
    const { agent } = person;
    const form = await agent.follow(hrefOf(page, 'Create an account'));
    expect(textOf(form.html)).not.toContain('Accounts are for');
    const asked = await agent.submit(form, { email });
    expect(textOf(asked.html)).toContain(`A letter to ${email} is on its way`);

    const link = await agent.follow(await mailedLink(server, email));
    expect([new URL(link.url).pathname, textOf(link.html)]).toEqual([
      '/link',
      expect.stringContaining(`For ${email}.`),
    ]);
    const done = await agent.submit(link, { name: 'Ada Lovelace', new_password: NEW });
    expect(textOf(done.html)).toContain('Your account is ready');
    // The link itself signs nobody in.
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');

    const back = await agent.follow(hrefOf(done, 'Sign in'));
    expect(new URL(back.url).pathname).toBe(new URL(page.url).pathname);
    const tokens = await person.party.redeem(await agent.submit(back, { email, password: NEW }), authorization);
    const claims = await person.party.userinfo(tokens.access_token, tokens.claims()?.sub ?? '');
    expect(claims).toMatchObject({ email, email_verified: true, name: 'Ada Lovelace', locale: 'en' });
    expect(await lettersTo(server, email)).toHaveLength(1);
  });

  it('is answered alike for an address that has an account, whose owner is told by a letter without a token', async () => {
    const stranger = someone();
    const { email } = await server.addAccount({ email: someone(), claims: { name: 'Ada', locale: 'de' } });
    const disabled = await server.addAccount({ email: someone() });
    await server.app.stores.accounts.disable(disabled.id, BY_OPERATOR);
    const before = await lettersTo(server, disabled.email);
    const answers = [];
    for (const one of [stranger, email, disabled.email]) {
      const { page } = await askedFor(shouted(one));
      const shown = [...page.headers].filter(([name]) => !['date', 'x-request-id', 'set-cookie'].includes(name));
      answers.push(JSON.stringify([page.status, shown, page.html]).replaceAll(shouted(one), 'X'));
    }
    expect(new Set(answers).size).toBe(1);

    const [letter, ...more] = await lettersTo(server, email);
    expect([letter?.subject, more]).toEqual(['Sie haben schon ein Konto', []]);
    expect(letter?.text).not.toContain('/link/');
    expect(letter?.text).toContain(`${server.issuer}/account\n`);
    expect(letter?.text).toContain(`${server.issuer}/forgotten-password`);
    expect(await lettersTo(server, disabled.email)).toEqual(before);
    expect((await lettersTo(server, shouted(stranger))).map(({ subject }) => subject)).toEqual(['Create your account']);
  });

  it('has one link at a time, which is spent once and works in another browser', async () => {
    const email = someone();
    const first = await opened(email);
    const second = await opened(email);
    expect((await first.agent.follow(first.href)).status).toBe(410);
    expect((await first.agent.submit(first.page, { new_password: NEW })).status).toBe(410);

    const elsewhere = createUserAgent(server.issuer);
    const there = await elsewhere.follow(second.href);
    expect(textOf((await elsewhere.submit(there, { new_password: NEW })).html)).toContain('Your account is ready');
    expect((await second.agent.submit(second.page, { new_password: `${NEW}!` })).status).toBe(410);
    expect(textOf((await signedIn(email, NEW)).html)).toContain('Your account');
  });

  it('has a link that runs out in a day', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open' });
    const email = someone();
    const { agent } = await askedFor(email, { at: own });
    const page = await agent.follow(await mailedLink(own, email));
    own.passTime(toMilliseconds(DAY) - 60_000);
    expect((await agent.submit(page, { new_password: 'short' })).status).toBe(422);
    own.passTime(60_000);
    expect((await agent.submit(page, { new_password: NEW })).status).toBe(410);
  });

  it('makes one account of a link that is spent twice at once, and never fails', async () => {
    const email = someone();
    const { href } = await opened(email);
    const agents = Array.from({ length: 6 }, () => createUserAgent(server.issuer));
    const pages = await Promise.all(agents.map((agent) => agent.follow(href)));
    const answers = await Promise.all(
      agents.map((agent, index) => agent.submit(pages[index] as Page, { new_password: `${NEW} ${index}` })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 409, 410]).toContain(status);
  });

  it('says so where somebody else made the account meanwhile, and leaves it as it is', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    const { id } = await server.addAccount({ email: email.toUpperCase() });
    const answer = await agent.submit(page, { new_password: NEW });
    expect([answer.status, textOf(answer.html)]).toEqual([409, expect.stringContaining('There is an account already')]);
    expect(hrefOf(answer, 'Sign in')).toBe('/account');
    expect((await accountOf(email))?.id).toBe(id);
    expect(textOf((await signedIn(email, PASSWORD)).html)).toContain('Your account');
  });

  it('is open to no guess', async () => {
    const agent = createUserAgent(server.issuer);
    for (const token of [newSecret('gwl'), 'x', newSecret('gws'), encodeURIComponent('../sign-up'), 'gwl_'])
      expect((await agent.follow(`/link/${token}`)).status).toBe(410);
  });

  it('refuses a password that is short, or made of the address or name', async () => {
    const email = `wanderingotter@${newId('acc').slice(4).toLowerCase()}.example.org`;
    const { agent, page } = await opened(email);
    const tries: [Record<string, string>, RegExp][] = [
      [{ new_password: 'too short' }, /at least 15 characters/],
      [{ new_password: 'Wanderingotter123' }, /made of your name or address/],
      [{ name: 'Marguerite Featherstone', new_password: 'featherstone-marguerite' }, /made of your name or address/],
      [{ new_password: 'x'.repeat(300) }, /too long/],
    ];
    for (const [fields, problem] of tries) {
      const answer = await agent.submit(page, fields);
      expect([answer.status, textOf(answer.html)]).toEqual([422, expect.stringMatching(problem)]);
      expect(answer.html).toContain('role="alert"');
    }
    expect(await accountOf(email)).toBeNull();
  });

  it('takes a name for text: no markup, no lines, nothing that turns what stands beside it', async () => {
    const email = someone();
    const { agent, page } = await opened(email);
    for (const name of ['Ada\r\nBcc: eve@example.net', 'Ada\u202egnp.exe', 'x'.repeat(101)]) {
      const answer = await agent.submit(page, { name, new_password: NEW });
      expect([answer.status, textOf(answer.html)]).toEqual([422, expect.stringContaining('ordinary characters')]);
    }
    const name = '<img src=x onerror=alert(1)> https://evil.example';
    expect((await agent.submit(page, { name, new_password: 'short' })).html).not.toContain('<img src=x');
    await agent.submit(page, { name, new_password: NEW });
    const account = await accountOf(email);
    expect(account?.claims.name).toBe(name);
    await server.app.stores.accounts.disable(account?.id ?? '', BY_OPERATOR);
    const letter = (await lettersTo(server, email)).at(-1);
    expect(letter?.text).toMatch(/^Hello,\n/);
    expect(`${letter?.html} ${letter?.text}`).not.toContain('evil.example');
  });

  it('asks for a plain address: nothing that two programs read differently', async () => {
    for (const email of [
      ...['"a@b"@example.org', 'a@b@example.org', 'a@example.org.', 'a@example。org', 'a@ex%61mple.org', 'a@0x7f.1'],
      ...['a@example.org/x', 'a,b@example.org', 'a@[127.0.0.1]', 'a\u200b@example.org', 'a\u202e@example.org', '', 'a'],
      ...['a@example.org\r\nBcc: b@example.org', `${'a'.repeat(65)}@example.org`, `a@${'b'.repeat(250)}.org`],
    ])
      expect([email, (await askedFor(email)).page.status]).toEqual([email, 422]);
    // A full-width letter is the plain one, and the letter goes to that.
    const email = someone();
    await askedFor(email.replace('a', '\uff41'));
    expect(await lettersTo(server, email)).toHaveLength(1);
  });
});

describe('prompt=create (Initiating User Registration via OpenID Connect 1.0)', () => {
  it('is announced, and leads to the sign-up at once and by it to tokens', async () => {
    const discovery = await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json();
    expect(discovery.prompt_values_supported).toEqual(['none', 'login', 'consent', 'select_account', 'create']);
    const email = someone();
    const person = await visit(server, { firstParty: false });
    const { agent } = person;
    const { authorization, page } = await ask(person, { prompt: 'create' });
    expect(new URL(page.url).pathname).toBe('/sign-up');
    await agent.submit(page, { email });
    const done = await agent.submit(await agent.follow(await mailedLink(server, email)), { new_password: NEW });
    const back = await agent.follow(hrefOf(done, 'Sign in'));
    expect(textOf(back.html)).toContain('Forgotten your password?');
    const landed = await allow(agent, await agent.submit(back, { email, password: NEW }));
    expect(landed.url).toContain(`${CALLBACK}?code=`);
    expect((await person.party.redeem(landed, authorization)).claims()?.sub).toBe((await accountOf(email))?.id);
  });

  it('is met by whoever signs in with an account that is there, after all', async () => {
    const person = await visit(server);
    const { page } = await ask(person, { prompt: 'create' });
    const signIn = await person.agent.follow(hrefOf(page, 'Back to the sign-in'));
    const landed = await person.agent.submit(signIn, { email: person.account.email, password: PASSWORD });
    expect(told(landed).code).toBeDefined();
  });
});

describe('who asks for too much', () => {
  it('waits: so many letters an hour to one address, and so many requests of one visitor', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open', LIMIT_LETTERS: '3', LIMIT_PER_ADDRESS: '5' });
    const email = someone();
    for (let count = 0; count < 3; count += 1) expect((await askedFor(email, { at: own })).page.status).toBe(200);
    const { page } = await askedFor(email.toUpperCase(), { at: own });
    expect([page.status, Number(page.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(3000);
    expect(textOf(page.html)).toContain('Try again in');
    expect(await lettersTo(own, email)).toHaveLength(3);

    const flood = [];
    for (let count = 0; count < 4; count += 1) flood.push((await askedFor(someone(), { at: own })).page);
    expect(flood.at(-1)?.status).toBe(429);
    expect(Number(flood.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('sign-up for domains', () => {
  it('is for addresses of these alone, which the page says, by whatever trick', async () => {
    await using own = await startTestServer({ SIGN_UP: 'domains', SIGN_UP_DOMAINS: 'Example.org, müller.example' });
    const agent = createUserAgent(own.issuer);
    expect(textOf((await agent.follow('/sign-up')).html)).toContain('at example.org, müller.example.');
    for (const email of [
      ...['a@example.org.evil.com', 'a@sub.example.org', 'a@ex\u0430mple.org', 'a@notexample.org', 'a@example.com'],
      ...['a@example.org.', 'a@example.org@evil.com', '"a@example.org"@evil.com', 'a@example.org%00.evil.com', 'a@org'],
    ]) {
      const { page } = await askedFor(email, { at: own });
      expect([email, page.status]).toEqual([email, 422]);
      expect(textOf(page.html)).toMatch(/addresses at example\.org, müller\.example only|not an email address/);
    }
    for (const email of ['a@EXAMPLE.ORG', 'b@müller.example', 'c@xn--mller-kva.example', 'd@MÜLLER.example'])
      expect([email, (await askedFor(email, { at: own })).page.status]).toEqual([email, 200]);
  });
});

describe('an invitation', () => {
  const LIFETIME = 7 * DAY;
  const invite = (email: string, role = 'user', at = server) =>
    at.app.stores.newcomers.invite(
      { email, emailNormalized: email.toLowerCase(), name: 'Grace Hopper', role, lifetime: LIFETIME },
      'de',
      BY_OPERATOR,
    );

  it('makes an administrator, who adds a second factor at the first sign-in; nobody else becomes one', async () => {
    const email = someone();
    await invite(email, 'administrator');
    const [letter] = await lettersTo(server, email);
    expect([letter?.subject, letter?.text]).toEqual([
      'Sie sind zu Gatewright eingeladen',
      expect.stringContaining('Guten Tag Grace Hopper,'),
    ]);
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(await mailedLink(server, email));
    // Eight characters do where a second factor is enforced. Role and address are not the form's to choose.
    const [form] = page.forms;
    expect(form?.fields['name']).toBe('Grace Hopper');
    const sent = { ...page, forms: [{ ...form, fields: { ...form?.fields, role: 'user', email: 'eve@example.net' } }] };
    await agent.submit(sent as Page, { name: '', new_password: 'qv7 otter lk' });
    expect(await accountOf(email)).toMatchObject({
      role: 'administrator',
      emailVerified: true,
      claims: { locale: 'en' },
    });
    expect(await accountOf('eve@example.net')).toBeNull();
    expect(textOf((await signedIn(email, 'qv7 otter lk')).html)).toContain('Add your authenticator app');

    const other = someone();
    const { agent: plain, page: link } = await opened(other);
    const [own] = link.forms;
    const raised = { ...link, forms: [{ ...own, fields: { ...own?.fields, role: 'administrator' } }] };
    await plain.submit(raised as Page, { new_password: NEW });
    expect((await accountOf(other))?.role).toBe('user');
  });

  it('that was revoked opens nothing; one that was not mailed proves no address', async () => {
    const { newcomers } = server.app.stores;
    const email = someone();
    await invite(email);
    const href = await mailedLink(server, email);
    expect(await newcomers.revoke(email, BY_OPERATOR)).toBe(true);
    expect((await createUserAgent(server.issuer).follow(href)).status).toBe(410);

    const newcomer = { email, emailNormalized: email, name: null, role: 'user', lifetime: LIFETIME };
    const token = await newcomers.inviteUnsent(newcomer, BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow(`/link/${token}`), { new_password: NEW });
    expect((await accountOf(email))?.emailVerified).toBe(false);
    expect(await lettersTo(server, email)).toHaveLength(1);
  });
});

describe('SIGN_UP', () => {
  it.each([
    ['off', 410],
    ['invited', 200],
  ] as const)(
    '%s has no page to ask at, and no mention of one; a link from before answers %d',
    async (mode, status) => {
      await using own = await startTestServer({ SIGN_UP: mode });
      const agent = createUserAgent(own.issuer);
      expect((await agent.follow('/sign-up')).status).toBe(404);
      const body = 'email=a@example.org';
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
      expect((await agent.request('/sign-up', { method: 'POST', body, headers })).status).toBe(404);
      expect((await agent.follow('/account')).html).not.toContain('sign-up');
      const person = await visit(own);
      expect(told((await ask(person, { prompt: 'create' })).page).error).toBe('invalid_request');
      const discovery = await (await fetch(`${own.issuer}/.well-known/openid-configuration`)).json();
      expect(discovery).toMatchObject({ prompt_values_supported: ['none', 'login', 'consent', 'select_account'] });

      const newcomer = { email: 'ada@example.org', emailNormalized: 'ada@example.org' };
      const { newcomers } = own.app.stores;
      const invited = { ...newcomer, name: null, role: 'user', lifetime: DAY };
      const token = await newcomers.inviteUnsent(invited, BY_OPERATOR);
      expect((await agent.follow(`/link/${token}`)).status).toBe(status);
      await newcomers.signUp(newcomer, 'en', BY_OPERATOR);
      expect((await agent.follow(await mailedLink(own, newcomer.email))).status).toBe(410);
    },
  );
});
