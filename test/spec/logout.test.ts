import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, HOUR } from '../../src/lib/duration.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page } from '../support/user-agent.ts';
import { again, ask, enter, type Tokens, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';

const AFTERWARDS = 'http://localhost:9/signed-out';
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

let server: TestServer;
let receiver: Awaited<ReturnType<typeof startLogoutReceiver>>;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  receiver = await startLogoutReceiver();
});
afterAll(async () => {
  await receiver.close();
  await server[Symbol.asyncDispose]();
});

async function signedIn(options: VisitOptions = {}, parameters = {}): Promise<Visit & { tokens: Tokens }> {
  const person = await visit(server, { postLogoutRedirectUris: [AFTERWARDS], ...options });
  return { ...person, tokens: await enter(person, parameters) };
}

const logout = ({ agent }: Pick<Visit, 'agent'>, parameters: Record<string, string> = {}) =>
  agent.follow(`/oauth2/logout?${new URLSearchParams(parameters)}`);

const confirm = ({ agent }: Pick<Visit, 'agent'>, page: Page) => agent.submit(page, { logout: 'yes' });

const isSignedIn = async (person: Visit) => told((await ask(person, { prompt: 'none' })).page).error === undefined;

async function refreshes({ client, tokens }: Visit & { tokens: Tokens }): Promise<boolean> {
  const parameters = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
  return (await post(server, '/oauth2/token', parameters, basic(client))).status === 200;
}

const ends = async ({ account }: Visit) =>
  server.app.stores.auditTrail.latest(100, { accountId: account.id, event: 'session.ended' });

const opens = async ({ tokens }: { tokens: Tokens }) => (await userinfo(server, tokens.access_token)).status === 200;

describe('RP-initiated logout', () => {
  it('asks the person first, and changes nothing by itself', async () => {
    const person = await signedIn();
    const page = await logout(person, { id_token_hint: person.tokens.id_token ?? '' });
    expect(page.status).toBe(200);
    expect(page.html).toContain(person.account.email);
    expect(await isSignedIn(person)).toBe(true);
  });

  it('ends the session and what was issued in it', async () => {
    const person = await signedIn();
    const done = await confirm(person, await logout(person));
    expect(done.status).toBe(200);
    expect(done.url).toBe(`${server.issuer}/oauth2/logout/success`);
    expect([await isSignedIn(person), await opens(person), await refreshes(person)]).toEqual([false, false, false]);
    expect([...person.agent.jar.values()].filter(({ name }) => name === 'gatewright')).toEqual([]);
    expect(await ends(person)).toMatchObject([
      { actor: person.account.id, outcome: 'succeeded', requestId: expect.stringMatching(/^req_/) },
    ]);
  });

  it('goes on to the registered address with the state, by a library that we did not write', async () => {
    const person = await signedIn();
    const url = openid.buildEndSessionUrl(person.party.config, {
      ...{ id_token_hint: person.tokens.id_token ?? '', post_logout_redirect_uri: AFTERWARDS, state: 'a b&c' },
    });
    const done = await confirm(person, await person.agent.follow(url.href));
    expect(done.url).toBe(`${AFTERWARDS}?state=a+b%26c`);
    expect(await isSignedIn(person)).toBe(false);
  });

  it('takes an ID token that has expired long ago as a hint', async () => {
    const person = await signedIn();
    turnClocks(2 * DAY);
    const parameters = { id_token_hint: person.tokens.id_token ?? '', post_logout_redirect_uri: AFTERWARDS };
    const done = await confirm(person, await logout(person, parameters));
    expect(done.url).toBe(AFTERWARDS);
    expect(await isSignedIn(person)).toBe(false);
  });

  it('takes nothing else for a hint', async () => {
    const person = await signedIn();
    const [header, payload] = (person.tokens.id_token ?? '').split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const hint of [`${header}.${payload}.c2ln`, `${none}.${payload}.`, 'x', `${header}.e30.c2ln`]) {
      const page = await logout(person, { id_token_hint: hint, post_logout_redirect_uri: AFTERWARDS });
      expect(page.status, hint).toBe(400);
    }
    expect(await isSignedIn(person)).toBe(true);
  });

  it.each([
    ...[
      `${AFTERWARDS}/`,
      `${AFTERWARDS}?x=1`,
      `${AFTERWARDS}#x`,
      'http://localhost:9/SIGNED-OUT',
      'http://localhost:9/',
    ],
    ...['https://evil.example', 'javascript:alert(1)'],
  ])('goes nowhere that is not registered to the letter: %s', async (address) => {
    const person = await signedIn();
    const page = await logout(person, { client_id: person.client.id, post_logout_redirect_uri: address });
    expect(page.status).toBe(400);
    expect(page.url.startsWith(server.issuer)).toBe(true);
  });

  it('goes nowhere for a client that it does not know the name of', async () => {
    const person = await signedIn();
    const done = await confirm(person, await logout(person, { post_logout_redirect_uri: AFTERWARDS }));
    expect(done.url).toBe(`${server.issuer}/oauth2/logout/success`);
  });

  it('is refused where hint and client_id disagree', async () => {
    const person = await signedIn();
    const other = await signedIn();
    const page = await logout(person, { id_token_hint: person.tokens.id_token ?? '', client_id: other.client.id });
    expect(page.status).toBe(400);
  });

  it('cannot be confirmed from elsewhere: the form carries a value that only its session knows', async () => {
    const person = await signedIn();
    const page = await logout(person);
    const form = page.forms.find(({ action }) => action.endsWith('/oauth2/logout/confirm'));
    expect(form?.fields['xsrf']).toEqual(expect.any(String));
    for (const xsrf of ['', 'x', (await logout(await signedIn())).forms[0]?.fields['xsrf'] ?? '']) {
      const response = await person.agent.request('/oauth2/logout/confirm', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
      });
      expect(response.status).toBe(400);
    }
    expect(await isSignedIn(person)).toBe(true);
  });

  it('lets the person stay signed in: only the application that asked is left', async () => {
    const person = await signedIn();
    const other = await visit(server, { account: person.account, agent: person.agent });
    const tokens = await again(other);
    const page = await logout(person, { client_id: person.client.id, post_logout_redirect_uri: AFTERWARDS });
    const done = await person.agent.submit(page);
    expect(done.url).toBe(AFTERWARDS);
    expect(await isSignedIn(other)).toBe(true);
    expect([await opens({ tokens }), await opens(person), await refreshes(person)]).toEqual([true, false, false]);
    expect(await ends(person)).toEqual([]);
  });

  it('of somebody who is not signed in ends well', async () => {
    const person = await visit(server, { postLogoutRedirectUris: [AFTERWARDS] });
    const page = await logout(person, { client_id: person.client.id, post_logout_redirect_uri: AFTERWARDS });
    // A page that sends itself where JavaScript runs.
    expect((await person.agent.submit(page)).url).toBe(AFTERWARDS);
  });

  it('leaves other browsers of the same person alone', async () => {
    const person = await signedIn();
    const elsewhere = { ...person, agent: createUserAgent(server.issuer) };
    elsewhere.tokens = await enter(elsewhere);
    await confirm(person, await logout(person));
    expect(await isSignedIn(elsewhere)).toBe(true);
    expect([await opens(elsewhere), await refreshes(elsewhere)]).toEqual([true, true]);
  });

  it('leaves what was granted with offline_access (Back-Channel Logout 1.0 2.7)', async () => {
    const offline = await signedIn({}, { scope: 'openid offline_access', prompt: 'consent' });
    const online = await visit(server, { account: offline.account, agent: offline.agent });
    const tokens = await again(online);
    await confirm(offline, await logout(offline));
    expect([await opens(offline), await refreshes(offline)]).toEqual([true, true]);
    expect([await opens({ tokens }), await refreshes({ ...online, tokens })]).toEqual([false, false]);
  });
});

describe('back-channel logout', () => {
  const party = (options: VisitOptions = {}, parameters = {}) =>
    signedIn({ backchannelLogoutUri: receiver.uri, ...options }, parameters);

  /** The end of an account, what follows from it, and once more: a run under way may have looked before there was a job. */
  async function workOff(): Promise<void> {
    for (let round = 0; round < 3; round += 1) await server.app.worker.run();
  }

  /** Those that were sent to one client since. */
  function tokensFor({ client }: Pick<Visit, 'client'>): string[] {
    return receiver.tokens.filter((token) => decodeJwt(token).aud === client.id);
  }

  it('tells every application of the session, with a token that verifies against the JWKS', async () => {
    const person = await party();
    const other = await visit(server, {
      account: person.account,
      agent: person.agent,
      backchannelLogoutUri: receiver.uri,
    });
    const otherTokens = await again(other);
    const silent = await visit(server, { account: person.account, agent: person.agent });
    await again(silent);
    await confirm(person, await logout(person));
    await workOff();

    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.issuer));
    for (const [{ client }, { claims }] of [
      [person, person.tokens],
      [other, otherTokens],
    ] as const) {
      const [token = '', ...more] = tokensFor({ client });
      expect(more).toEqual([]);
      const { payload } = await jwtVerify(token, keys, {
        ...{ issuer: server.issuer, audience: client.id, typ: 'logout+jwt', algorithms: ['RS256'] },
      });
      expect(payload).toEqual({
        ...{ iss: server.issuer, aud: client.id, sub: person.account.id, sid: claims()?.['sid'] },
        ...{ iat: expect.any(Number), exp: expect.any(Number), jti: expect.any(String), events: { [EVENT]: {} } },
      });
      expect(payload['sid']).toEqual(expect.any(String));
      expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(120);
      expect(payload).not.toHaveProperty('nonce');
    }
    expect(tokensFor(silent)).toEqual([]);
  });

  it('tries again, with a token of its own for each try, until the application has it', async () => {
    const person = await party();
    receiver.answerWith(500, 302);
    await confirm(person, await logout(person));
    await workOff();
    expect(tokensFor(person)).toHaveLength(1);
    // Not before its time.
    await workOff();
    expect(tokensFor(person)).toHaveLength(1);
    turnClocks(6);
    await workOff();
    expect(tokensFor(person)).toHaveLength(2);
    turnClocks(11);
    await workOff();
    expect(tokensFor(person)).toHaveLength(3);
    turnClocks(HOUR);
    await workOff();
    expect(new Set(tokensFor(person).map((token) => decodeJwt(token).jti)).size).toBe(3);
    expect(new Set(tokensFor(person).map((token) => decodeJwt(token)['sid'])).size).toBe(1);
  });

  it('does not keep the person waiting for an application that is down', async () => {
    const person = await party({ backchannelLogoutUri: 'http://127.0.0.1:9/' });
    const done = await confirm(person, await logout(person));
    expect(done.status).toBe(200);
    expect(await isSignedIn(person)).toBe(false);
  });

  it('tells the one application that is left when the person stays signed in', async () => {
    const person = await party();
    const other = await visit(server, {
      account: person.account,
      agent: person.agent,
      backchannelLogoutUri: receiver.uri,
    });
    await again(other);
    await person.agent.submit(await logout(person, { client_id: person.client.id }));
    await workOff();
    expect([tokensFor(person).length, tokensFor(other).length]).toEqual([1, 0]);
  });

  it.each([
    ['an account is disabled', (id: string) => server.app.stores.accounts.disable(id, BY_OPERATOR)],
    ['an account is signed out everywhere', (id: string) => server.app.stores.accounts.signOut(id, BY_OPERATOR)],
    ['a password is reset', (id: string) => server.app.stores.accounts.setPassword(id, 'x', BY_OPERATOR)],
    ['an account is deleted', (id: string) => server.app.stores.accounts.delete(id, BY_OPERATOR)],
  ])('tells the applications when %s', async (_name, end) => {
    const person = await party();
    const elsewhere = { ...person, agent: createUserAgent(server.issuer) };
    const tokens = await enter(elsewhere);
    await end(person.account.id);
    await workOff();
    const told = tokensFor(person).map((token) => decodeJwt(token));
    expect(told.map(({ sid }) => sid).sort()).toEqual(
      [person.tokens, tokens].map(({ claims }) => claims()?.['sid']).sort(),
    );
    for (const { sub } of told) expect(sub).toBe(person.account.id);
  });

  it('tells the applications of the person who was signed in, when somebody else signs in', async () => {
    const person = await party();
    const account = await server.addAccount();
    const { page } = await ask(person, { prompt: 'login' });
    await person.agent.submit(await person.agent.submit(page, { email: account.email, password: PASSWORD }));
    await workOff();
    expect(tokensFor(person).map((token) => decodeJwt(token).sub)).toEqual([person.account.id]);
  });

  it('names an application’s part of the session by the same sid in every token of it, and by no other’s', async () => {
    const person = await party();
    const next = await again(person);
    const refreshed = await person.party.refresh(person.tokens.refresh_token ?? '');
    const other = await visit(server, { account: person.account, agent: person.agent });
    const sidOf = ({ claims }: Tokens) => claims()?.['sid'];
    expect(sidOf(next)).toBe(sidOf(person.tokens));
    expect(sidOf(refreshed)).toBe(sidOf(person.tokens));
    expect(sidOf(await again(other))).not.toBe(sidOf(person.tokens));
  });
});
