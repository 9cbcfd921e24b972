import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiSettings, DEFAULT_API } from '../../src/clients/api.ts';
import { DAY, MINUTE } from '../../src/lib/duration.ts';
import { addApi, change, type TestApi } from '../support/apis.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { again, ask, enter, told, type Visit, visit } from '../support/visit.ts';

const SCOPE = 'openid posts:read';

let server: TestServer;
beforeAll(async () => {
  // Certificates could be shown, by a proxy that is nowhere: without that, whoever depends on them is as good as disabled.
  const certificates = { CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: '192.0.2.1' };
  server = await startTestServer({ SECOND_FACTOR: 'optional', ...certificates });
});
afterAll(() => server[Symbol.asyncDispose]());

/** An API, and somebody before an application that may use it. */
async function scene(api: Partial<ApiSettings> = {}): Promise<{ api: TestApi; person: Visit }> {
  const added = await addApi(server, api);
  return { api: added, person: await visit(server, { audiences: [added.audience], scopes: SCOPE.split(' ') }) };
}

async function introspect(caller: Pick<TestClient, 'id' | 'secret'>, token: string | undefined) {
  return (await post(server, '/oauth2/introspect', { token: token ?? '' }, basic(caller))).body;
}

/** A code, and what it is redeemed by. */
async function codeOf(person: Visit): Promise<Record<string, string>> {
  const { authorization, page } = await ask(person, { scope: SCOPE });
  const back = page.url.startsWith(CALLBACK) ? page : await signIn(person.agent, page, person.account);
  return {
    ...{ grant_type: 'authorization_code', code: told(back).code ?? '', redirect_uri: CALLBACK },
    code_verifier: authorization.codeVerifier,
  };
}

const tokens = (client: TestClient, parameters: Record<string, string>, headers: Record<string, string> = {}) =>
  post(server, '/oauth2/token', parameters, { ...basic(client), ...headers });

const refreshBy = (refreshToken: string | undefined, more: Record<string, string> = {}) => ({
  ...{ grant_type: 'refresh_token', refresh_token: refreshToken ?? '', ...more },
});

describe('the lifetime of an API’s tokens', () => {
  it('is its own, for people and machines, and that of no other token', async () => {
    const { api, person } = await scene({ tokenLifetime: 2 * MINUTE });
    const service = await server.addClient('service', { audiences: [api.audience], scopes: ['posts:read'] });
    const own = await enter(person, { scope: SCOPE });
    const machine = await tokens(service, { grant_type: 'client_credentials' });
    for (const { access_token = '', expires_in } of [own, machine.body]) {
      const { exp = 0, iat = 0 } = decodeJwt(access_token);
      expect([exp - iat, expires_in]).toEqual([2 * MINUTE, 2 * MINUTE]);
    }
    const plain = await again(await visit(server, { account: person.account, agent: person.agent }));
    expect(plain.expires_in).toBe(15 * MINUTE);
    expect(await introspect(api, own.access_token)).toMatchObject({ active: true });
    turnClocks(2 * MINUTE + 20);
    expect(await introspect(api, own.access_token)).toEqual({ active: false });
    // Of what is issued next, not of what is there.
    await change(server, api, { api: { tokenLifetime: null } });
    expect((await person.party.refresh(own.refresh_token ?? '')).expires_in).toBe(15 * MINUTE);
  });

  it('can be a day, and a token that was revoked stays so to its end', async () => {
    const { api, person } = await scene({ tokenLifetime: DAY });
    const [revoked, kept] = [await enter(person, { scope: SCOPE }), await again(person, { scope: SCOPE })];
    const asked = await again(person, { scope: SCOPE, claims: '{"userinfo":{"email":null}}' });
    await person.party.revoke(revoked.access_token);
    turnClocks(DAY - MINUTE);
    expect([
      (await introspect(api, revoked.access_token))['active'],
      (await userinfo(server, revoked.access_token)).status,
    ]).toEqual([false, 401]);
    expect((await introspect(api, kept.access_token))['active']).toBe(true);
    // What was asked of userinfo is kept for as long.
    expect((await userinfo(server, asked.access_token)).body).toHaveProperty('email');
  });
});

describe('an API that allows no refresh', () => {
  it('has no refresh token issued, also for a device or with offline_access', async () => {
    const { person } = await scene({ refresh: false });
    await change(server, person.client, { scopes: ['openid', 'offline_access', 'posts:read'] });
    const issued = await enter(person, { scope: `${SCOPE} offline_access`, prompt: 'consent' });
    expect(issued).not.toHaveProperty('refresh_token');
    expect(issued.access_token).toBeDefined();
  });

  it('refuses one that is older, which is not spent on that', async () => {
    const { api, person } = await scene();
    const { refresh_token } = await enter(person, { scope: SCOPE });
    await change(server, api, { api: { refresh: false } });
    const refused = await tokens(person.client, refreshBy(refresh_token));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(refused.body['error_description']).toContain('allows no refresh');
    expect(await introspect(person.client, refresh_token)).toEqual({ active: false });
    turnClocks(MINUTE);
    await change(server, api, { api: { refresh: true } });
    expect((await tokens(person.client, refreshBy(refresh_token))).status).toBe(200);
  });

  it('takes nothing from another API of the same sign-in', async () => {
    const [strict, lenient] = [await addApi(server, { refresh: false }), await addApi(server)];
    const person = await visit(server, {
      ...{ audiences: [strict.audience, lenient.audience], scopes: SCOPE.split(' ') },
    });
    const { authorization, page } = await ask(person, { scope: SCOPE });
    await person.party.redeem(await signIn(person.agent, page, person.account), authorization);
    const both = await person.party.authorization({ scope: SCOPE });
    const resources = new URLSearchParams([strict, lenient].map(({ audience }) => ['resource', audience]));
    const code = told(await person.agent.follow(`${both.url}&${resources}`)).code ?? '';
    const redemption = {
      ...{ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: both.codeVerifier },
      resource: strict.audience,
    };
    const { body } = await tokens(person.client, redemption);
    const refused = await tokens(person.client, refreshBy(body.refresh_token, { resource: strict.audience }));
    expect(refused.body.error).toBe('invalid_grant');
    const other = await tokens(person.client, refreshBy(body.refresh_token, { resource: lenient.audience }));
    expect(other.status).toBe(200);
  });
});

describe('an API that takes bound tokens only', () => {
  it.each(['dpop', 'mtls', 'any'] as const)('has no other made, and nothing is spent on trying (%s)', async (by) => {
    const { api, person } = await scene({ senderConstrained: by });
    const redemption = await codeOf(person);
    const refused = await tokens(person.client, redemption);
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(refused.body['error_description']).toMatch(/bound to a key: send a (DPoP proof|certificate)/);
    const service = await server.addClient('service', { audiences: [api.audience], scopes: ['posts:read'] });
    const machine = await tokens(service, { grant_type: 'client_credentials' });
    expect(machine).toMatchObject({ status: 400, body: { error: 'invalid_request' } });

    // Neither the code is lost, nor, later, the refresh token.
    await change(server, api, { api: { senderConstrained: 'none' } });
    const first = await tokens(person.client, redemption);
    expect(first.status).toBe(200);
    await change(server, api, { api: { senderConstrained: by } });
    const parameters = refreshBy(first.body.refresh_token);
    expect((await tokens(person.client, parameters)).body.error).toBe('invalid_request');
    turnClocks(MINUTE);
    await change(server, api, { api: { senderConstrained: 'none' } });
    expect((await tokens(person.client, parameters)).status).toBe(200);
  });

  it('has those of a client that proves its key by DPoP', async () => {
    const { api, person } = await scene({ senderConstrained: 'dpop' });
    const { config } = person.party;
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
    const { authorization, page } = await ask(person, { scope: SCOPE });
    const back = await signIn(person.agent, page, person.account);
    const { state, nonce, codeVerifier } = authorization;
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
    const issued = await openid.authorizationCodeGrant(config, new URL(back.url), checks, undefined, { DPoP });
    expect(decodeJwt(issued.access_token)['cnf']).toEqual({ jkt: expect.any(String) });
    expect(await introspect(api, issued.access_token)).toMatchObject({ active: true, token_type: 'DPoP' });
    const next = await openid.refreshTokenGrant(config, issued.refresh_token ?? '', undefined, { DPoP });
    expect(decodeJwt(next.access_token)['cnf']).toEqual(decodeJwt(issued.access_token)['cnf']);
    expect((await tokens(person.client, refreshBy(next.refresh_token))).body.error).toBe('invalid_request');
  });

  it('does not take a registration for a certificate', async () => {
    const { person } = await scene({ senderConstrained: 'mtls' });
    await change(server, person.client, { certificateBound: true });
    const answer = await tokens(person.client, await codeOf(person));
    expect([answer.status, answer.body.error, answer.body.access_token]).toEqual([400, 'invalid_grant', undefined]);
  });

  it('does not take a header for a proof', async () => {
    const { person } = await scene({ senderConstrained: 'any' });
    for (const DPoP of ['x', 'a.b.c', 'e30.e30.e30']) {
      const answer = await tokens(person.client, await codeOf(person), { DPoP });
      expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
    }
  });

  it('leaves userinfo, introspection and tokens of another API as they are', async () => {
    const { api, person } = await scene();
    const bearerToken = (await enter(person, { scope: SCOPE })).access_token;
    await change(server, api, { api: { senderConstrained: 'any' } });
    expect((await userinfo(server, bearerToken)).status).toBe(200);
    expect(await introspect(api, bearerToken)).toMatchObject({ active: true });
    const other = await visit(server, { account: person.account, agent: person.agent });
    expect((await again(other)).access_token).toBeDefined();
  });

  it('hides no replay: a code that is presented twice takes its tokens along, bound or not', async () => {
    const { api, person } = await scene();
    const redemption = await codeOf(person);
    const first = await tokens(person.client, redemption);
    await change(server, api, { api: { senderConstrained: 'any' } });
    expect((await tokens(person.client, redemption)).body.error).toBe('invalid_grant');
    expect((await userinfo(server, first.body.access_token ?? '')).status).toBe(401);
  });
});

describe('the signature of an API’s tokens', () => {
  const published = async () => {
    const response = await fetch(`${server.issuer}/.well-known/jwks.json`);
    return ((await response.json()) as { keys: Record<string, string>[] }).keys;
  };

  it.each([
    ['PS256', 'RSA'],
    ['ES256', 'EC'],
    ['Ed25519', 'OKP'],
  ] as const)('is %s where it wants that, from its registration on and without a restart', async (algorithm, kty) => {
    expect((await published()).map(({ alg }) => alg)).not.toContain(algorithm);
    const { api, person } = await scene({ signingAlgorithm: algorithm });
    const issued = await enter(person, { scope: SCOPE });
    const { alg, kid, typ } = decodeProtectedHeader(issued.access_token);
    expect([alg, typ]).toEqual([algorithm, 'at+jwt']);
    const [key, ...others] = (await published()).filter((each) => each['kid'] === kid);
    expect([key, others]).toEqual([expect.objectContaining({ kty, alg: algorithm, use: 'sig' }), []]);
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(key).not.toHaveProperty(secret);

    // By libraries that we did not write, told nothing but where the keys are.
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.issuer));
    await jwtVerify(issued.access_token, keys, { issuer: server.issuer, audience: api.audience, typ: 'at+jwt' });
    const issuer = new URL(server.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const request = new Request(api.audience, { headers: { authorization: `Bearer ${issued.access_token}` } });
    await oauth.validateJwtAccessToken(as, request, api.audience, { ...insecure, signingAlgorithms: [algorithm] });

    expect(decodeProtectedHeader(issued.id_token ?? '').alg).toBe('RS256');
    expect((await userinfo(server, issued.access_token)).status).toBe(200);
    expect(await introspect(api, issued.access_token)).toMatchObject({ active: true });
    await person.party.revoke(issued.access_token);
    expect(await introspect(api, issued.access_token)).toEqual({ active: false });
    expect((await userinfo(server, issued.access_token)).status).toBe(401);
    const next = await person.party.refresh(issued.refresh_token ?? '');
    expect(decodeProtectedHeader(next.access_token)).toEqual({ alg: algorithm, kid, typ: 'at+jwt' });
    // The token for userinfo alone stays as it was.
    const plain = await again(await visit(server, { account: person.account, agent: person.agent }));
    expect(decodeProtectedHeader(plain.access_token).alg).toBe('RS256');
  });

  it('needs no visit of a person first, and no second try', async () => {
    await using fresh = await startTestServer({ SECOND_FACTOR: 'optional' });
    const audience = 'https://first.example';
    await fresh.addClient('resource', {
      audience,
      scopes: ['x'],
      api: { ...DEFAULT_API, signingAlgorithm: 'ES256' },
    });
    const service = await fresh.addClient('service', { audiences: [audience], scopes: ['x'] });
    const get = () => post(fresh, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
    const answers = await Promise.all([get(), get(), get()]);
    for (const { status, body, headers } of [...answers, await get()]) {
      expect([status, headers.get('retry-after')]).toEqual([200, null]);
      expect(decodeProtectedHeader(body.access_token ?? '').alg).toBe('ES256');
    }
  });

  it('is waited for where no key can be made', async () => {
    await using fresh = await startTestServer({ SECOND_FACTOR: 'optional' });
    const audience = 'https://first.example';
    const settings = { ...DEFAULT_API, signingAlgorithm: 'Ed25519' } as const;
    await fresh.addClient('resource', { audience, scopes: ['x'], api: settings });
    const service = await fresh.addClient('service', { audiences: [audience], scopes: ['x'] });
    const addFirst = vi.spyOn(fresh.app.stores.signingKeys, 'addFirst').mockRejectedValue(new Error('disk full'));
    const answer = await post(fresh, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    addFirst.mockRestore();
  });

  it('leaves discovery as it is: ID tokens are signed by RS256 alone', async () => {
    const response = await fetch(`${server.issuer}/.well-known/openid-configuration`);
    const { id_token_signing_alg_values_supported: algorithms } = (await response.json()) as Record<string, string[]>;
    expect(algorithms).toEqual(['RS256']);
  });
});
