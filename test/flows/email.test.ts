import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { again, enter, stepOf, visit } from '../support/visit.ts';
import { atAccount, prove, SEED, send } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_LETTERS: '50' });
});
afterAll(() => server[Symbol.asyncDispose]());

const newAddress = () => `${newId('acc')}@elsewhere.example`.toLowerCase();
const subjects = async (email: string) => (await lettersTo(server, email)).map(({ subject }) => subject);
const find = async (id: string) => {
  const account = await server.app.stores.accounts.find(id);
  if (!account) throw new Error(`there is no account ${id}`);
  return account;
};

/** Somebody who has just signed in asks for another address. */
async function asking(email: string, to: string) {
  const { agent, page } = await atAccount(server, { email, path: '/account/email/new' });
  return { agent, page: await send(agent, page, 'email/new', { email: to }) };
}

/** Opens the newest link to an address in another browser, and presses the button there. */
async function pressed(email: string, agent = createUserAgent(server.issuer)): Promise<Page> {
  return agent.submit(await agent.follow(await mailedLink(server, email)));
}

/** The whole way, by whoever knows the password and reads the new mailbox. */
async function moved(email: string, to: string): Promise<UserAgent> {
  const { agent } = await asking(email, to);
  expect(textOf((await pressed(to)).html)).toContain('Your address is changed');
  return agent;
}

/** The one-time links that went to an address, oldest first. */
const linksTo = async (email: string) =>
  (await lettersTo(server, email)).map(({ text }) => /\bhttps?:\/\/\S+\/link\/\S+/.exec(text ?? '')?.[0] ?? '');

describe('the address of an account', () => {
  it('is proved by a mailed link, and applications are told at once', async () => {
    const person = await visit(server, { idTokenClaims: true });
    const { id, email } = person.account;
    await server.app.stores.accounts.setClaims(id, {}, false, BY_OPERATOR);
    const tokens = await enter(person, { scope: 'openid email' });
    expect(tokens.claims()).toMatchObject({ email, email_verified: false });

    const page = await person.agent.follow('/account/email');
    expect(textOf(page.html)).toContain('Not confirmed');
    const sent = await send(person.agent, page, 'email/verify');
    expect(textOf(sent.html)).toContain(`A letter with a link is on its way to ${email}`);
    // A program that reads the mail first.
    const href = await mailedLink(server, email);
    expect(textOf((await createUserAgent(server.issuer).follow(href)).html)).toContain(`went to ${email}`);
    expect((await find(id)).emailVerified).toBe(false);
    expect(textOf((await pressed(email)).html)).toContain('Your address is confirmed');
    expect((await createUserAgent(server.issuer).follow(href)).status).toBe(410);

    const info = await person.party.userinfo(tokens.access_token, id);
    expect(info).toMatchObject({ email, email_verified: true });
    expect((await again(person, { scope: 'openid email' })).claims()).toMatchObject({ email_verified: true });
    expect(textOf((await person.agent.follow('/account/email')).html)).toContain('Confirmed');
    expect(textOf((await person.agent.follow('/account')).html)).not.toContain('Confirm or change it');
    // Nothing to prove any more: an old page asks in vain.
    expect((await send(person.agent, page, 'email/verify')).url).toBe(`${server.issuer}/account/email`);
    expect(await lettersTo(server, email)).toHaveLength(1);
  });

  it('is changed by whoever proves to be its owner and to read the new one', async () => {
    const person = await visit(server, { idTokenClaims: true });
    const { id, email } = person.account;
    const tokens = await enter(person, { scope: 'openid email' });
    const to = newAddress();
    const { agent, page } = await asking(email, to);
    expect(textOf(page.html)).toContain(`A letter is on its way to ${to}`);
    expect(await find(id)).toMatchObject({ email });
    expect(await subjects(email)).toContain('Your account is to have another address');
    const question = await createUserAgent(server.issuer).follow(await mailedLink(server, to));
    // Whoever reads the new mailbox may be nobody we know.
    expect(textOf(question.html)).not.toContain(email);
    expect(textOf((await pressed(to)).html)).toContain(`you sign in as ${to}`);

    expect(await find(id)).toMatchObject({ email: to, emailVerified: true });
    expect(await subjects(email)).toEqual([
      'Somebody signed in from a new browser',
      'Your account is to have another address',
      'Your account has another address',
    ]);
    expect(await subjects(to)).toEqual(['Confirm your new address', 'This is the address of your account now']);
    // Sessions and tokens stay, and say the new address at once.
    expect((await agent.get('/account')).status).toBe(200);
    expect(await person.party.userinfo(tokens.access_token, id)).toMatchObject({ email: to, email_verified: true });
    expect((await again(person, { scope: 'openid email' })).claims()).toMatchObject({
      email: to,
      email_verified: true,
    });
    const other = createUserAgent(server.issuer);
    expect((await other.submit(await other.follow('/account'), { email, password: PASSWORD })).status).toBe(422);
    expect((await atAccount(server, { email: to })).page.status).toBe(200);
  });

  it('is written to as it is kept: no look-alike of it gets the letter', async () => {
    const { email } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/email/new' });
    const to = newAddress();
    const hidden = await send(agent, page, 'email/new', { email: to.replace('@', '\u200b@') });
    expect(hidden.status).toBe(422);
    // U+FF41, which NFKC takes for a plain letter.
    await send(agent, page, 'email/new', { email: to.replace('a', '\uff41') });
    await pressed(to);
    expect(await server.app.stores.accounts.findByEmail(to)).toMatchObject({ email: to });
  });

  it('is changed by nobody who merely has a session, nor by a form that waited', async () => {
    const { email, id } = await server.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(server, { email, seed: SEED, path: '/account/email/new' });
    server.passTime(toMilliseconds(5 * MINUTE));
    const [look, late] = [
      await agent.follow('/account/email/new'),
      await send(agent, page, 'email/new', { email: newAddress() }),
    ];
    for (const asked of [look, late]) expect(stepOf(asked)).toBe('password');
    expect(await lettersTo(server, email)).toEqual([]);
    const proved = await prove(agent, late, { email, seed: SEED, stepsAhead: 11 });
    expect(new URL(proved.url).pathname).toBe('/account/email/new');
    expect((await find(id)).email).toBe(email);
  });

  it.each(['', 'nobody', 'x@y.example, z@y.example', `${'x'.repeat(250)}@example.org`, 'a b@example.org'])(
    'is not changed to %j',
    async (to) => {
      const { email } = await server.addAccount();
      const { page } = await asking(email, to);
      expect([page.status, page.html]).toEqual([422, expect.stringContaining('role="alert"')]);
    },
  );

  it('is not changed to itself, however it is written', async () => {
    const { email } = await server.addAccount();
    const { page } = await asking(email, ` ${email.toUpperCase()} `);
    expect([page.status, textOf(page.html)]).toEqual([
      422,
      expect.stringContaining('the address of your account already'),
    ]);
    expect(await lettersTo(server, email)).toEqual([]);
  });

  it('of somebody else is asked for with the same answer, and without a link', async () => {
    const taken = (await server.addAccount()).email;
    const free = newAddress();
    const answers = [];
    for (const to of [taken, free]) {
      const { email } = await server.addAccount();
      const { page } = await asking(email, to);
      answers.push([page.status, page.html.replaceAll(to, 'X')]);
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(await subjects(taken)).toEqual(['Somebody wanted to use your address']);
    expect((await linksTo(taken)).filter(Boolean)).toEqual([]);
    expect((await linksTo(free)).filter(Boolean)).toHaveLength(1);
  });

  it('that somebody took before the link was opened is as if it were spent', async () => {
    const { email, id } = await server.addAccount();
    const to = newAddress();
    await asking(email, to);
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(await mailedLink(server, to));
    await server.addAccount({ email: to });
    expect((await agent.submit(page)).status).toBe(410);
    expect((await find(id)).email).toBe(email);
  });

  it('waits where too many letters were asked for, at both ends', async () => {
    await using own = await startTestServer({ LIMIT_LETTERS: '2' });
    const { email } = await own.addAccount();
    const { agent, page } = await atAccount(own, { email, path: '/account/email/new' });
    for (let round = 0; round < 2; round += 1) {
      expect((await send(agent, page, 'email/new', { email: newAddress() })).status).toBe(200);
    }
    const refused = await send(agent, page, 'email/new', { email: newAddress() });
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, expect.toSatisfy((n) => n > 0)]);
    expect(await lettersTo(own, email)).toHaveLength(2);

    const target = newAddress();
    for (let round = 0; round < 3; round += 1) {
      const each = await own.addAccount();
      const other = await atAccount(own, { email: each.email, path: '/account/email/new' });
      const answer = await send(other.agent, other.page, 'email/new', { email: target });
      expect(answer.status).toBe(round < 2 ? 200 : 429);
    }
    const third = await own.addAccount();
    await own.app.stores.accounts.setClaims(third.id, {}, false, BY_OPERATOR);
    const unproved = await atAccount(own, { email: third.email, path: '/account/email' });
    const statuses = [];
    for (let round = 0; round < 3; round += 1)
      statuses.push((await send(unproved.agent, unproved.page, 'email/verify')).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});

describe('limits and known browsers', () => {
  it('follow the account to its new address', async () => {
    const { email } = await server.addAccount();
    const to = newAddress();
    const agent = await moved(email, to);
    await send(agent, await agent.follow('/account'), 'sign-out');
    const stranger = createUserAgent(server.issuer);
    let page = await stranger.follow('/account');
    for (let round = 0; round < 11; round += 1)
      page = await stranger.submit(page, { email: to, password: 'not this one at all' });
    expect(page.status).toBe(429);
    // The owner's browser, which knows the account and not its address, has tries of its own.
    expect((await atAccount(server, { email: to, agent })).page.url).toBe(`${server.issuer}/account`);
  });
});

describe('an address that was changed by somebody else', () => {
  it('is put back by its owner, and whoever changed it is out', async () => {
    const { email, id } = await server.addAccount();
    const evil = newAddress();
    const thief = await moved(email, evil);
    const tokens = await visit(server, { account: await find(id) });
    await enter(tokens);
    expect((await thief.get('/account')).status).toBe(200);

    const owner = createUserAgent(server.issuer);
    const done = await pressed(email, owner);
    expect(textOf(done.html)).toContain('Your account has its address back');
    expect(await find(id)).toMatchObject({ email, passwordHash: null });
    expect((await thief.get('/account')).status).toBe(303);
    const tried = await thief.submit(await thief.follow('/account'), { email, password: PASSWORD });
    expect(tried.status).toBe(422);
    // Nothing that was mailed to the thief opens anything, nor does what is mailed there now.
    for (const href of (await linksTo(evil)).filter(Boolean)) expect((await thief.follow(href)).status).toBe(410);
    const asked = await thief.submit(await thief.follow('/forgotten-password'), { email: evil });
    expect(asked.status).toBe(200);
    const before = (await lettersTo(server, evil)).length;
    await server.app.worker.run();
    expect(await lettersTo(server, evil)).toHaveLength(before);

    const reset = await owner.follow(await mailedLink(server, email));
    expect(textOf((await owner.submit(reset, { new_password: 'seven quiet otters climb' })).html)).toContain('is set');
    expect((await atAccount(server, { email, password: 'seven quiet otters climb' })).page.status).toBe(200);
  });

  it('is put back after a second change, by the first letter, and for good', async () => {
    const { email, id } = await server.addAccount();
    const [evil1, evil2] = [newAddress(), newAddress()];
    await moved(email, evil1);
    await moved(evil1, evil2);
    const [first = ''] = await linksTo(email);
    const theirs = (await linksTo(evil1)).filter(Boolean);
    // One of them to lock the account, since the thief's own browser was a new one.
    expect(theirs).toHaveLength(4);
    const owner = createUserAgent(server.issuer);
    await owner.submit(await owner.follow(first));
    expect((await find(id)).email).toBe(email);
    for (const href of theirs) expect((await owner.follow(href)).status).toBe(410);
    // Twice is once.
    expect((await owner.follow(first)).status).toBe(410);
  });

  it('is put back also by the letter that came before the change, which then does not happen', async () => {
    const { email, id } = await server.addAccount();
    const evil = newAddress();
    await asking(email, evil);
    const thief = createUserAgent(server.issuer);
    const page = await thief.follow(await mailedLink(server, evil));
    expect(textOf((await pressed(email)).html)).toContain('has its address back');
    expect((await thief.submit(page)).status).toBe(410);
    expect(await find(id)).toMatchObject({ email, passwordHash: null });
  });

  it('stays where a new password came before the link of the change was opened', async () => {
    const { email, id } = await server.addAccount();
    const evil = newAddress();
    await asking(email, evil);
    const thief = createUserAgent(server.issuer);
    const page = await thief.follow(await mailedLink(server, evil));
    const owner = createUserAgent(server.issuer);
    await owner.submit(await owner.follow('/forgotten-password'), { email });
    const reset = await owner.follow(await mailedLink(server, email));
    await owner.submit(reset, { new_password: 'seven quiet otters climb' });
    expect((await thief.submit(page)).status).toBe(410);
    expect((await find(id)).email).toBe(email);
  });

  it('cannot be put back where somebody has it, until nobody does', async () => {
    const { email, id } = await server.addAccount();
    const evil = newAddress();
    await moved(email, evil);
    const href = await mailedLink(server, email);
    const other = await server.addAccount({ email });
    const owner = createUserAgent(server.issuer);
    const page = await owner.follow(href);
    const refused = await owner.submit(page);
    expect([refused.status, textOf(refused.html)]).toEqual([
      409,
      expect.stringContaining('Another account has this address'),
    ]);
    expect(await find(id)).toMatchObject({ email: evil, passwordHash: expect.any(String) });
    await server.app.stores.accounts.delete(other.id, BY_OPERATOR);
    expect((await owner.submit(page)).status).toBe(200);
  });
});

describe('the trail and the log', () => {
  it('say what happened, and no address', async () => {
    const { email, id } = await server.addAccount();
    const to = newAddress();
    await moved(email, to);
    await pressed(email);
    const trail = await server.app.stores.auditTrail.latest(20, { accountId: id });
    const events = trail.map(({ event }) => event);
    expect(events).toEqual(expect.arrayContaining(['email.change_asked', 'email.changed', 'email.change_undone']));
    for (const { detail } of trail) expect(detail).not.toContain('@');
    for (const address of [email, to]) expect(server.logged.join('')).not.toContain(address);
  });
});

describe('links to an old address', () => {
  it('put it back for seven days', async () => {
    const { email } = await server.addAccount();
    await moved(email, newAddress());
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(await mailedLink(server, email));
    server.passTime(toMilliseconds(7 * DAY));
    expect((await agent.submit(page)).status).toBe(410);
  });
});
