import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf } from '../support/user-agent.ts';
import { enter, visit } from '../support/visit.ts';
import { atAccount, SEED } from './account-visit.ts';

// Each counts ten passwords and more, on machines that may be busy.
vi.setConfig({ testTimeout: 90_000 });

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1,::1' });
});
afterAll(() => server[Symbol.asyncDispose]());

const NEW = 'seven quiet otters climb';

/** The link of the letter about something that happened to the account. */
async function lockLink(id: string, email: string): Promise<string> {
  const { accounts } = server.app.stores;
  const account = await accounts.find(id);
  await accounts.setPassword(id, account?.passwordHash as string, BY_OPERATOR);
  return mailedLink(server, email);
}

let networks = 0;
/** Wrong passwords, each from elsewhere, until one account's must wait. @returns the answer that says so */
async function lockedOut(email: string): Promise<Page> {
  const agent = createUserAgent(server.issuer);
  const page = await agent.follow('/account');
  for (let tries = 0; tries < 20; tries += 1) {
    networks += 1;
    agent.moveTo(`2001:db8:${networks.toString(16)}::1`);
    const answer = await agent.post(page, { email, password: `wrong password ${tries}` });
    if (answer.status === 429) return answer;
  }
  throw new Error(`${email} has never to wait`);
}

const bare = ({ html }: Page, email: string) =>
  textOf(html)
    .replaceAll(email, 'X')
    .replaceAll(/req_\w+/g, '');

describe('an account is locked by a mailed link', () => {
  it('looked at as often as one likes, locked once: everybody is out, and only the mailbox opens it again', async () => {
    const person = await visit(server, { person: { totpSecret: SEED } });
    const { id, email } = person.account;
    const href = await lockLink(id, email);
    const tokens = await enter(person);
    const stolen = await atAccount(server, { email, seed: SEED, stepsAhead: 1 });
    expect(new URL(stolen.page.url).pathname).toBe('/account');
    const whoIs = () =>
      fetch(`${server.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect((await whoIs()).status).toBe(200);

    for (let look = 0; look < 3; look += 1)
      expect((await createUserAgent(server.issuer).follow(href)).status).toBe(200);
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(href);
    expect(textOf(page.html)).toContain(`This locks the account of ${email}`);
    expect((await server.app.stores.accounts.find(id))?.passwordHash).not.toBeNull();
    const locked = await agent.submit(page);
    expect(textOf(locked.html)).toContain('Look into your mailbox');

    expect((await agent.follow(href)).status).toBe(410);
    expect((await whoIs()).status).toBe(401);
    const out = await stolen.agent.follow('/account');
    expect(textOf(out.html)).toMatch(/ Sign in Email /);
    expect((await stolen.agent.submit(out, { email, password: PASSWORD })).status).toBe(422);

    const letter = (await lettersTo(server, email)).at(-1);
    expect(letter?.subject).toBe('Your account is locked');
    await agent.submit(await agent.follow(await mailedLink(server, email)), { new_password: NEW });
    const asked = await agent.submit(await agent.follow('/account'), { email, password: NEW });
    expect(textOf(asked.html)).toContain('Enter your code');
  });

  it('takes every other open link of the account with it', async () => {
    const { id, email } = await server.addAccount();
    const older = await lockLink(id, email);
    const asking = createUserAgent(server.issuer);
    await asking.submit(await asking.follow('/forgotten-password'), { email });
    const reset = await mailedLink(server, email);
    const waiting = await asking.follow(reset);
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow(await lockLink(id, email)));
    for (const link of [older, reset]) expect((await agent.follow(link)).status).toBe(410);
    // Whoever has it open in a browser already sets nothing any more.
    expect((await asking.submit(waiting, { new_password: NEW })).status).toBe(410);
    expect((await server.app.stores.accounts.find(id))?.passwordHash).toBeNull();
  });

  it('sends whoever lost an app to the operator as well', async () => {
    const { id, email } = await server.addAccount({ totpSecret: SEED });
    const { accounts } = server.app.stores;
    const operator = 'contact the people who run this server as well';
    const agent = createUserAgent(server.issuer);
    expect(textOf((await agent.follow(await lockLink(id, email))).html)).not.toContain(operator);
    const [app] = await accounts.authenticators(id);
    await accounts.removeAuthenticator(id, String(app?.id), BY_OPERATOR);
    const page = await agent.follow(await mailedLink(server, email));
    expect(textOf(page.html)).toContain(operator);
    expect(textOf((await agent.submit(page)).html)).toContain(operator);
  });

  it('stops a sign-in that waits for its second factor', async () => {
    const { id, email } = await server.addAccount({ totpSecret: SEED });
    const href = await lockLink(id, email);
    const thief = createUserAgent(server.issuer);
    const asked = await thief.submit(await thief.follow('/account'), { email, password: PASSWORD });
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow(href));
    expect(textOf((await thief.submit(asked, { code: codeOf(SEED) })).html)).toMatch(/ Sign in Email /);
  });

  it('puts back the address that somebody gave it since, and does not say which', async () => {
    const { id, email } = await server.addAccount();
    const { accounts, links } = server.app.stores;
    const href = await lockLink(id, email);
    const account = await accounts.find(id);
    if (!account) throw new Error('there is no account');
    const to = `${id}@elsewhere.example`.toLowerCase();
    await links.askChange(
      { ...account, accountId: id, from: email.toLowerCase(), to },
      { language: 'en', by: BY_OPERATOR },
    );
    const thief = createUserAgent(server.issuer);
    await thief.submit(await thief.follow(await mailedLink(server, to)));
    expect((await accounts.find(id))?.email).toBe(to);

    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(href);
    expect(textOf(page.html)).toContain(`Locking puts ${email} back`);
    expect(page.html).not.toContain(to);
    await agent.submit(page);
    expect((await accounts.find(id))?.email).toBe(email);
    expect((await lettersTo(server, email)).at(-1)?.subject).toBe('Your account is locked');
    expect((await lettersTo(server, to)).map(({ subject }) => subject)).not.toContain('Your account is locked');
  });

  it('not after seven days', async () => {
    const own = await startTestServer();
    try {
      const { id, email } = await own.addAccount();
      await own.app.stores.accounts.setPassword(id, 'hash', BY_OPERATOR);
      const href = await mailedLink(own, email);
      const agent = createUserAgent(own.issuer);
      own.passTime(7 * 86_400_000 - 60_000);
      const page = await agent.follow(href);
      expect(page.status).toBe(200);
      own.passTime(60_000);
      expect((await agent.submit(page)).status).toBe(410);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('a wait that too many wrong passwords began', () => {
  it('is ended by a mailed link, which signs nobody in, and is told in the audit trail', async () => {
    const { email } = await server.addAccount({ totpSecret: SEED });
    const told = await lockedOut(email);
    expect(textOf(told.html)).toContain('a letter went to it with a link that ends the wait');
    const agent = createUserAgent(server.issuer);
    const signIn = await agent.follow('/account');
    expect((await agent.post(signIn, { email, password: PASSWORD })).status).toBe(429);

    const [letter, ...more] = await lettersTo(server, email);
    expect([letter?.subject, more]).toEqual(['Your sign-in has to wait', []]);
    const page = await agent.follow(await mailedLink(server, email));
    expect(textOf((await agent.submit(page)).html)).toContain('The wait has ended');
    expect(textOf((await agent.follow('/account')).html)).toMatch(/ Sign in Email /);
    const asked = await agent.submit(await agent.follow('/account'), { email, password: PASSWORD });
    expect(textOf(asked.html)).toContain('Enter your code');
    // It made no known browser: that would be a sign-in's.
    expect([...agent.jar.values()].map(({ name }) => name)).not.toContain('gatewright-browser');
  });

  it('is said alike, and does the same, for an address that nobody goes by', async () => {
    const { email } = await server.addAccount();
    const stranger = 'nobody.at.all@example.net';
    const [known, unknown] = [await lockedOut(email), await lockedOut(stranger)];
    expect(bare(unknown, stranger)).toBe(bare(known, email));
    expect(await lettersTo(server, stranger)).toEqual([]);
    expect(await lettersTo(server, email)).toHaveLength(1);
  });

  it('is told once for each wait, however often somebody tries during it', async () => {
    const { email } = await server.addAccount();
    await lockedOut(email);
    for (let more = 0; more < 3; more += 1) expect(textOf((await lockedOut(email)).html)).toContain('a letter went');
    expect(await lettersTo(server, email)).toHaveLength(1);
  });

  it('is over with a new password set by a mailed link', async () => {
    const { email } = await server.addAccount();
    await lockedOut(email);
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow('/forgotten-password'), { email });
    await agent.submit(await agent.follow(await mailedLink(server, email)), { new_password: NEW });
    const done = await agent.submit(await agent.follow('/account'), { email, password: NEW });
    expect(new URL(done.url).pathname).toBe('/account');
  });

  it('is not told where one address alone must wait', async () => {
    const { email } = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow('/account');
    for (let tries = 0; tries < 10; tries += 1) await agent.post(page, { email, password: `wrong ${tries}` });
    const answer = await agent.post(page, { email, password: PASSWORD });
    expect([answer.status, textOf(answer.html)]).toEqual([429, expect.not.stringContaining('a letter')]);
    expect(await lettersTo(server, email)).toEqual([]);
  });
});
