import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import type { ArtifactKind } from '../../src/oidc/artifact-store.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { ALIVE, askForTokens, DEAD, freshCode, isAlive, type SignedIn, signedIn } from './session.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Holds the next write of one kind until released: a request that is in its middle. */
function holdNextWrite(kind: ArtifactKind) {
  const { artifacts } = server.app.stores;
  const { put } = artifacts;
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  artifacts.put = async (...args) => {
    if (args[0] === kind) {
      artifacts.put = put;
      reached.resolve();
      await gate.promise;
    }
    return put(...args);
  };
  return { reached: reached.promise, release: gate.resolve };
}

async function errorOfSilentSignIn({ party, agent }: SignedIn): Promise<string | null> {
  const authorization = await party.authorization({ prompt: 'none' });
  return new URL((await agent.follow(authorization.url)).url).searchParams.get('error');
}

async function signOut({ agent }: SignedIn): Promise<void> {
  const page = await agent.follow('/oauth2/logout');
  const over = await agent.submit(page, { logout: 'yes' });
  expect(over.status).toBe(200);
}

const refresh = ({ client, tokens }: SignedIn) =>
  askForTokens(server, client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' });

describe('what was ended stays ended', () => {
  it('a session that signs out while another request of it is under way', async () => {
    const person = await signedIn(server);
    const otherTab = { ...person, agent: createUserAgent(server.issuer) };
    for (const [key, cookie] of person.agent.jar) otherTab.agent.jar.set(key, cookie);

    const { reached, release } = holdNextWrite('Session');
    const underWay = freshCode(person);
    await reached;
    await signOut(otherTab);
    release();

    const { code, authorization } = await underWay;
    const redemption = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
    const answer = await askForTokens(server, person.client, {
      ...redemption,
      code_verifier: authorization.codeVerifier,
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await errorOfSilentSignIn(person)).toBe('login_required');
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person)).toMatchObject({ body: { error: 'invalid_grant' } });
  });

  it('the old id of a session that got a new one, while a request under the old id is under way', async () => {
    const person = await signedIn(server);
    const oldTab = { ...person, agent: createUserAgent(server.issuer) };
    for (const [key, cookie] of person.agent.jar) oldTab.agent.jar.set(key, cookie);

    const { reached, release } = holdNextWrite('Session');
    const underWay = freshCode(oldTab);
    await reached;
    const authorization = await person.party.authorization({ prompt: 'login' });
    await signIn(person.agent, await person.agent.follow(authorization.url), person.account);
    release();
    await underWay;
    expect(await errorOfSilentSignIn(oldTab)).toBe('login_required');
    expect(await errorOfSilentSignIn(person)).toBeNull();
  });

  it('a grant that is revoked while another request is about to save it', async () => {
    const person = await signedIn(server, { firstParty: true });
    const { reached, release } = holdNextWrite('Grant');
    const underWay = freshCode(person, { scope: 'openid email' });
    await reached;
    await person.party.revoke(person.tokens.refresh_token ?? '');
    release();
    await underWay;
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);

    // The session goes on, and its next sign-in gets a grant of its own.
    const next = await freshCode(person, { prompt: 'none' });
    const tokens = await person.party.redeem(next.back, next.authorization);
    expect(await isAlive(server, person, tokens.access_token)).toEqual(ALIVE);
  });

  it('two tabs that sign in at the same time to two applications are both told of the logout', async () => {
    const person = await signedIn(server);
    const other = await server.addClient('web', { redirectUris: [CALLBACK], firstParty: true });
    const third = await server.addClient('web', { redirectUris: [CALLBACK], firstParty: true });
    const { createRelyingParty } = await import('../support/relying-party.ts');
    const parties = await Promise.all([other, third].map((client) => createRelyingParty(server, client)));
    const codes = await Promise.all(parties.map((party) => freshCode({ party, agent: person.agent })));
    const tokens = await Promise.all(
      codes.map(({ back, authorization }, index) => parties[index]?.redeem(back, authorization)),
    );
    await signOut(person);
    for (const [index, party] of parties.entries()) {
      expect(await isAlive(server, { party }, tokens[index]?.access_token ?? '')).toEqual(DEAD);
    }
  });
});

describe('a disabled account', () => {
  it('has no tokens and no session from that moment on, and gets none of them back', async () => {
    const person = await signedIn(server, { scope: 'openid offline_access', prompt: 'consent' });
    const { accounts } = server.app.stores;
    await accounts.disable(person.account.id, BY_OPERATOR);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await errorOfSilentSignIn(person)).toBe('login_required');

    await accounts.enable(person.account.id, BY_OPERATOR);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person)).toMatchObject({ body: { error: 'invalid_grant' } });

    const authorization = await person.party.authorization();
    const page = await person.agent.follow(authorization.url);
    const tokens = await person.party.redeem(await signIn(person.agent, page, person.account), authorization);
    expect(await isAlive(server, person, tokens.access_token)).toEqual(ALIVE);
  });

  it('is cleaned up after, also when the program died in between', async () => {
    const person = await signedIn(server);
    const { accounts, outbox } = server.app.stores;
    const { take } = outbox;
    outbox.take = async () => [];
    await accounts.disable(person.account.id, BY_OPERATOR);
    expect(await keptOf(person.account.id)).toHaveLength(1);
    outbox.take = take;

    await server.restart();
    for (let round = 0; round < 2; round += 1) await server.app.worker.run();
    expect(await keptOf(person.account.id)).toEqual([]);
  });
});

describe.each([
  ['a deleted account', ({ account }: SignedIn) => server.app.stores.accounts.delete(account.id, BY_OPERATOR)],
  ['a signed-out account', ({ account }: SignedIn) => server.app.stores.accounts.signOut(account.id, BY_OPERATOR)],
  ['a new password', ({ account }: SignedIn) => server.app.stores.accounts.setPassword(account.id, 'x', BY_OPERATOR)],
])('%s', (_name, end) => {
  it('ends every token and session', async () => {
    const person = await signedIn(server);
    await end(person);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await errorOfSilentSignIn(person)).toBe('login_required');
  });
});

describe.each([
  ['deleted', (id: string) => server.app.stores.clients.delete(id, BY_OPERATOR)],
  ['disabled', (id: string) => server.app.stores.clients.setStatus(id, 'disabled', BY_OPERATOR)],
])('a %s client', (_name, end) => {
  it('has no tokens any more, at userinfo or at an API that introspects', async () => {
    const audience = `https://notes-${_name}.example`;
    const api = await server.addClient('resource', { audience, scopes: ['notes:read'] });
    const person = await signedIn(server, {
      ...{ audiences: [audience], scopes: ['openid', 'notes:read'], scope: 'openid notes:read' },
    });
    const introspect = async () => {
      const response = await fetch(`${server.issuer}/oauth2/introspect`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${api.id}:${api.secret}`).toString('base64')}`,
        },
        body: new URLSearchParams({ token: person.tokens.access_token }).toString(),
      });
      return response.json() as Promise<{ active: boolean }>;
    };
    expect(await introspect()).toMatchObject({ active: true, aud: [audience, `${server.issuer}/oauth2/userinfo`] });

    await end(person.client.id);
    expect(await introspect()).toEqual({ active: false });
    const headers = { authorization: `Bearer ${person.tokens.access_token}` };
    expect((await fetch(`${server.issuer}/oauth2/userinfo`, { headers })).status).toBe(401);
    expect(await refresh(person)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

function keptOf(accountId: string): Promise<unknown[]> {
  return server.app.stores.artifacts.authorizationsOf(accountId, Number.MAX_SAFE_INTEGER);
}
