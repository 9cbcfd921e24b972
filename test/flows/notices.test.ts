import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { lettersTo } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { again, enter, visit } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const NEW = 'seven quiet otters climb';
const LOCK = /This was not me: lock my account:\s+http:\/\/localhost:\d+\/link\/gwl_[\w-]{43}\n/;

async function subjectsTo(email: string): Promise<(string | undefined)[]> {
  return (await lettersTo(server, email)).map(({ subject }) => subject);
}

const NEW_BROWSER = 'Somebody signed in from a new browser';

describe('a sign-in from a browser that is not known', () => {
  it('is told, with what it was, and not the first ever, nor one from a known browser, nor a silent one', async () => {
    const first = await visit(server);
    const { email } = first.account;
    await enter(first);
    await again(first);
    await enter(first, { prompt: 'login' });
    expect(await subjectsTo(email)).toEqual([]);

    const other = createUserAgent(server.issuer);
    await enter({ ...first, agent: other });
    const [letter, ...more] = await lettersTo(server, email);
    expect([letter?.subject, more]).toEqual([NEW_BROWSER, []]);
    expect(letter?.text).toMatch(LOCK);
    expect(letter?.text?.replaceAll('\n', ' ')).toMatch(
      /On .+ UTC, somebody signed in .+ Browser: \S.*\. Network address: [\d.:a-f]+\./,
    );

    await enter({ ...first, agent: other }, { prompt: 'login' });
    expect(await subjectsTo(email)).toEqual([NEW_BROWSER]);
  });

  it('is told only when it is done: not after the password, nor of wrong codes', async () => {
    const { email } = await server.addAccount({ totpSecret: SEED });
    await atAccount(server, { email, seed: SEED });
    const agent = createUserAgent(server.issuer);
    const asked = await agent.submit(await agent.follow('/account'), { email, password: PASSWORD });
    await agent.submit(asked, { code: '000000' });
    expect(await subjectsTo(email)).toEqual([]);
    await agent.submit(asked, { code: codeOf(SEED, 1) });
    expect(await subjectsTo(email)).toEqual([NEW_BROWSER]);
  });

  it('is let in only once it is told: not by the address at which the sign-in resumes, where that failed', async () => {
    const { email } = await server.addAccount();
    await atAccount(server, { email });
    const thief = createUserAgent(server.issuer);
    const page = await thief.follow('/account');
    const add = vi.spyOn(server.app.stores.knownBrowsers, 'add').mockRejectedValueOnce(new Error('the disk is full'));
    expect((await thief.submit(page, { email, password: PASSWORD })).status).toBe(500);
    expect(add).toHaveBeenCalledOnce();
    add.mockRestore();
    const [, path = ''] = /\/interaction\/([^/]+)/.exec(page.url) ?? [];
    await thief.follow(`/oauth2/authorize/${path}`);
    expect(textOf((await thief.follow('/account')).html)).toContain('Sign in Email');
    expect(await subjectsTo(email)).toEqual([]);
  });

  it('is told also where everybody was signed out before', async () => {
    const { email } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    await send(agent, await agent.follow('/account/sessions'), 'sessions/end-all');
    await atAccount(server, { email });
    expect(await subjectsTo(email)).toEqual([NEW_BROWSER]);
  });
});

describe('what becomes of an account is told its owner', () => {
  it('each time: password, authenticator apps and recovery codes, each with a link that locks', async () => {
    const { email } = await server.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(server, { email, seed: SEED, path: '/account/recovery-codes' });
    await send(agent, page, 'recovery-codes/new');
    await send(agent, await agent.follow('/account/authenticators'), 'authenticators/remove');
    const enrolment = await agent.follow('/account/authenticators/new');
    const seed = /class="key">([A-Z2-7 ]+)</.exec(enrolment.html)?.[1]?.replaceAll(' ', '') ?? '';
    await agent.submit(enrolment, { code: codeOf(seed) });
    for (const password of [NEW, `${NEW} again`]) {
      await send(agent, await agent.follow('/account/password'), 'password', { new_password: password });
    }
    const letters = await lettersTo(server, email);
    expect(letters.map(({ subject }) => subject)).toEqual([
      'Your recovery codes were replaced',
      'An authenticator app was removed from your account',
      'An authenticator app was added to your account',
      'Your password was changed',
      'Your password was changed',
    ]);
    for (const { text } of letters) expect(text).toMatch(LOCK);
    expect(letters.at(-1)?.text).toContain('was changed on the pages of your account');
  });

  it('by the name of the operator, where it was one', async () => {
    const { email, id } = await server.addAccount({ totpSecret: SEED });
    const { accounts } = server.app.stores;
    const [app] = await accounts.authenticators(id);
    await accounts.removeAuthenticator(id, String(app?.id), BY_OPERATOR);
    await accounts.setPassword(id, 'hash', BY_OPERATOR);
    await accounts.resetFactors(id, BY_OPERATOR);
    const letters = await lettersTo(server, email);
    expect(letters).toHaveLength(3);
    for (const { text } of letters) {
      expect(text?.replaceAll('\n', ' ')).toContain('the people who run Gatewright');
      expect(text).toMatch(LOCK);
    }
  });

  it('of a password that was set by a mailed link', async () => {
    const { email } = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    await agent.submit(await agent.follow('/forgotten-password'), { email });
    const [asked] = await lettersTo(server, email);
    const [href = ''] = /http\S+\/link\/\S+/.exec(asked?.text ?? '') ?? [];
    expect(textOf((await agent.submit(await agent.follow(href), { new_password: NEW })).html)).toContain('is set');
    const [, told] = await lettersTo(server, email);
    expect(told?.text?.replaceAll('\n', ' ')).toContain('set for your account at Gatewright by a mailed link');
    expect(told?.text).toMatch(LOCK);
  });
});
