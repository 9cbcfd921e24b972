import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { lettersTo, mailedLink } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, textOf } from '../support/user-agent.ts';
import { enter, stepOf, visit } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';
import { DEAD, isAlive } from './session.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const DAY = 24 * 60 * 60_000;

const find = (id: string, at = server) => at.app.stores.accounts.find(id);

/** Somebody who asks for the end of an account of theirs. */
async function asked(at = server, person: Parameters<TestServer['addAccount']>[0] = {}) {
  const account = await at.addAccount(person);
  const { agent, page } = await atAccount(at, { email: account.email, path: '/account/delete' });
  return { account, agent, done: await send(agent, page, 'delete', { email: account.email }) };
}

async function signIn(email: string, password = PASSWORD, at = server): Promise<Page> {
  const agent = createUserAgent(at.issuer);
  return agent.submit(await agent.follow('/account'), { email, password });
}

describe('the deletion of an account by its owner', () => {
  it('ends everything at once, says when it is due, and mails a link', async () => {
    const elsewhere = await visit(server);
    const { id, email } = elsewhere.account;
    const tokens = await enter(elsewhere, { scope: 'openid offline_access', prompt: 'consent' });
    const { agent, page } = await atAccount(server, { email, path: '/account/delete' });
    expect(textOf(page.html)).toContain('After 14 days, it is deleted');
    const before = Date.now();
    const done = await send(agent, page, 'delete', { email: ` ${email.toUpperCase()} ` });
    expect(textOf(done.html)).toContain('The account is deleted after 14 days');
    expect(textOf(done.html)).toContain('a letter with a link is on its way');
    const account = await find(id);
    expect(account?.status).toBe('leaving');
    expect(Math.abs((account?.deletionDueAt ?? 0) - before - 14 * DAY)).toBeLessThan(60_000);

    expect((await agent.get('/account')).status).toBe(303);
    expect(await isAlive(server, elsewhere, tokens.access_token)).toEqual(DEAD);
    await expect(elsewhere.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    const letters = await lettersTo(server, email);
    expect(letters.at(-1)?.subject).toBe('Your account is to be deleted');
    // Where the mail is read by a program first, nothing is undone.
    const href = await mailedLink(server, email);
    await createUserAgent(server.issuer).follow(href);
    expect((await find(id))?.status).toBe('leaving');
  });

  it('answers who signs in meanwhile as if there were no such account', async () => {
    const { account } = await asked();
    const stranger = 'nobody.at.all@example.net';
    const bare = ({ status, html }: Page) =>
      `${status} ${html
        .replaceAll(account.email, 'X')
        .replaceAll(stranger, 'X')
        .replaceAll(/[\w-]{43}|req_\w+/g, '')}`;
    const known = bare(await signIn(account.email));
    expect(known).toBe(bare(await signIn(stranger)));
    expect(known).toBe(bare(await signIn(account.email, 'not the password of it')));
    const agent = createUserAgent(server.issuer);
    const sent = await lettersTo(server, account.email);
    await agent.submit(await agent.follow('/forgotten-password'), { email: account.email });
    expect(await lettersTo(server, account.email)).toHaveLength(sent.length);
  });

  it('is taken back by the link, once; what was ended stays ended', async () => {
    const { account, agent } = await asked();
    const href = await mailedLink(server, account.email);
    const other = createUserAgent(server.issuer);
    const page = await other.follow(href);
    expect(textOf(page.html)).toContain('Keep your account?');
    expect(textOf((await other.submit(page)).html)).toContain('Your account is kept');
    expect(await find(account.id)).toMatchObject({ status: 'active', deletionDueAt: null });
    expect((await agent.get('/account')).status).toBe(303);
    expect((await createUserAgent(server.issuer).follow(href)).status).toBe(410);
    expect(new URL((await signIn(account.email)).url).pathname).toBe('/account');
    expect((await lettersTo(server, account.email)).map(({ subject }) => subject)).toContain('Your account is kept');
  });

  it('lets no link open what an operator has disabled meanwhile, but keeps it', async () => {
    const { account } = await asked();
    const href = await mailedLink(server, account.email);
    await server.app.stores.accounts.disable(account.id, BY_OPERATOR);
    const agent = createUserAgent(server.issuer);
    const kept = await agent.submit(await agent.follow(href));
    expect(textOf(kept.html)).toContain('have disabled it');
    expect(await find(account.id)).toMatchObject({ status: 'disabled', deletionDueAt: null });
    expect((await signIn(account.email)).status).toBe(422);
  });

  it('is taken back by an operator, and then the link opens nothing', async () => {
    const { account } = await asked();
    const href = await mailedLink(server, account.email);
    await server.app.stores.accounts.enable(account.id, BY_OPERATOR);
    expect(await find(account.id)).toMatchObject({ status: 'active', deletionDueAt: null });
    expect((await createUserAgent(server.issuer).follow(href)).status).toBe(410);
  });

  it('wants the address of this account, typed, from who has just proved who they are', async () => {
    await using own = await startTestServer();
    const { id, email } = await own.addAccount({ totpSecret: SEED });
    const other = await own.addAccount();
    const { agent, page } = await atAccount(own, { email, seed: SEED, path: '/account/delete' });
    for (const typed of ['', 'yes', other.email, `${email}x`]) {
      const refused = await send(agent, page, 'delete', { email: typed });
      expect([refused.status, textOf(refused.html).includes('not the address of your account')]).toEqual([422, true]);
    }
    own.passTime(5 * 60_000);
    expect(stepOf(await send(agent, page, 'delete', { email }))).toBe('password');
    expect((await find(id, own))?.status).toBe('active');
  });

  it('is refused to the last administrator', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'optional' });
    const root = await own.addAccount({ role: 'administrator' });
    const { agent, page } = await atAccount(own, { email: root.email, path: '/account/delete' });
    const refused = await send(agent, page, 'delete', { email: root.email });
    expect([refused.status, textOf(refused.html).includes('the only administrator')]).toEqual([409, true]);
    expect((await find(root.id, own))?.status).toBe('active');
    expect((await agent.get('/account')).status).toBe(200);
    await own.addAccount({ role: 'administrator' });
    expect((await send(agent, page, 'delete', { email: root.email })).status).toBe(200);
  });

  it('is carried out when it is due, however often the program stopped, and nobody is left in the trail', async () => {
    await using own = await startTestServer({ ACCOUNT_DELETION_GRACE_DAYS: '2' });
    const { account } = await asked(own);
    const kept = await asked(own);
    const { id, email } = account;
    const href = await mailedLink(own, email);
    const agent = createUserAgent(own.issuer);
    await agent.submit(await agent.follow(await mailedLink(own, kept.account.email)));
    own.passTime(2 * DAY - 60_000);
    await own.restart();
    expect((await agent.follow(href)).status).toBe(200);
    expect(await find(id, own)).not.toBeNull();
    own.passTime(60_000);
    expect((await agent.follow(href)).status).toBe(410);
    await own.restart();
    await expect.poll(() => find(id, own), { timeout: 10_000 }).toBeNull();
    expect(await find(kept.account.id, own)).toMatchObject({ status: 'active' });
    expect((await lettersTo(own, email)).at(-1)?.subject).toBe('Your account was deleted');
    const { auditTrail } = own.app.stores;
    await auditTrail.seal(1000);
    const events = await auditTrail.latest(100, { accountId: id });
    expect(events.map(({ event }) => event)).toContain('account.deletion_asked');
    expect(events[0]).toMatchObject({ event: 'account.deleted', actor: 'system' });
    expect(events.every(({ personal }) => personal === null)).toBe(true);
  });

  it('happens at once where no grace is given', async () => {
    await using own = await startTestServer({ ACCOUNT_DELETION_GRACE_DAYS: '0' });
    const { account, agent, done } = await asked(own);
    expect(textOf(done.html)).toContain('Your account is deleted');
    expect(await find(account.id, own)).toBeNull();
    expect((await agent.get('/account')).status).toBe(303);
    const letters = await lettersTo(own, account.email);
    expect(letters.map(({ subject }) => subject)).toEqual(['Your account was deleted']);
  });
});
