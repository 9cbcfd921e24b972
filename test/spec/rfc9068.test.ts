import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { type AddClient, startTestServer, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { again, ask, enter, told, type Visit, visit } from '../support/visit.ts';

const NOTES = 'https://notes.example';
const MAIL = 'https://mail.example/v1';

let server: TestServer;
let userinfoAudience: string;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  userinfoAudience = `${server.issuer}/oauth2/userinfo`;
  await server.addClient('resource', { audience: NOTES, scopes: ['notes:read', 'notes:write'] });
  await server.addClient('resource', { audience: MAIL, scopes: ['mail:read'] });
});
afterAll(() => server[Symbol.asyncDispose]());

describe('an access token (RFC 9068)', () => {
  it('is what a resource server that we did not write accepts', async () => {
    const person = await visit(server, { audiences: [NOTES], scopes: ['openid', 'notes:read'] });
    const { access_token } = await enter(person, { scope: 'openid notes:read' });
    const issuer = new URL(server.issuer);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const request = new Request(NOTES, { headers: { authorization: `Bearer ${access_token}` } });
    const claims = await oauth.validateJwtAccessToken(as, request, NOTES, insecure);
    expect(claims).toMatchObject({ sub: person.account.id, client_id: person.client.id, scope: 'openid notes:read' });
    const elsewhere = oauth.validateJwtAccessToken(as, request.clone(), MAIL, insecure);
    await expect(elsewhere).rejects.toThrow(/aud/);
  });

  it('has the type, the claims and the signature of 2.1 and 2.2', async () => {
    const person = await visit(server);
    const tokens = await enter(person);
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.issuer));
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, { issuer: server.issuer });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: expect.any(String) });
    expect(payload).toEqual({
      ...{ iss: server.issuer, aud: userinfoAudience, sub: person.account.id, client_id: person.client.id },
      ...{ iat: expect.any(Number), exp: expect.any(Number), jti: expect.any(String), scope: 'openid' },
      ...{ auth_time: tokens.claims()?.auth_time, acr: 'urn:gatewright:acr:one-factor', amr: ['pwd'] },
      ...{ gid: expect.any(String), gsu: expect.any(String) },
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(15 * 60);
    expect(tokens.expires_in).toBe(15 * 60);
  });

  it('keeps auth_time, acr and amr when it is refreshed, and gets an id of its own', async () => {
    const totpSecret = generateSecret();
    const person = await visit(server, { person: { totpSecret } });
    const tokens = await enter(person);
    const { auth_time, acr, amr, jti } = decodeJwt(tokens.access_token);
    expect({ acr, amr }).toEqual({ acr: 'urn:gatewright:acr:two-factor', amr: ['pwd', 'otp', 'mfa'] });
    let refreshToken = tokens.refresh_token ?? '';
    const seen = new Set([jti]);
    for (let round = 0; round < 2; round += 1) {
      turnClocks(60);
      const refreshed = await person.party.refresh(refreshToken);
      refreshToken = refreshed.refresh_token ?? '';
      const claims = decodeJwt(refreshed.access_token);
      expect(claims).toMatchObject({ auth_time, acr, amr, sub: person.account.id });
      expect(refreshed.claims()).toMatchObject({ auth_time, acr, amr });
      seen.add(claims.jti);
    }
    expect(seen.size).toBe(3);
  });

  it('is not taken for an ID token, nor an ID token for it', async () => {
    const person = await visit(server);
    const tokens = await enter(person);
    expect((await userinfo(server, tokens.id_token ?? '')).status).toBe(401);
    expect(decodeProtectedHeader(tokens.id_token ?? '').typ).not.toBe('at+jwt');
  });
});

describe('whom a token is for (RFC 8707)', () => {
  const audienceOf = (token: string) => decodeJwt(token).aud;

  it('userinfo alone, where the client has no API and names none', async () => {
    const { access_token } = await enter(await visit(server));
    expect(audienceOf(access_token)).toBe(userinfoAudience);
    expect((await userinfo(server, access_token)).status).toBe(200);
  });

  it('the first of the client’s APIs, where it names none', async () => {
    const person = await visit(server, { audiences: [NOTES, MAIL], scopes: ['openid', 'notes:read'] });
    const { access_token, scope } = await enter(person, { scope: 'openid notes:read' });
    expect(audienceOf(access_token)).toEqual([NOTES, userinfoAudience]);
    expect(scope).toBe('openid notes:read');
    expect((await userinfo(server, access_token)).status).toBe(200);
  });

  it('the API that it names', async () => {
    const person = await visit(server, { audiences: [NOTES, MAIL], scopes: ['openid', 'notes:read', 'mail:read'] });
    const { access_token, scope } = await enter(person, { scope: 'openid notes:read mail:read', resource: MAIL });
    expect(audienceOf(access_token)).toEqual([MAIL, userinfoAudience]);
    // A scope of another API is none of this one's.
    expect(scope).toBe('openid mail:read');
  });

  it('userinfo only where openid was granted', async () => {
    const person = await visit(server, { audiences: [NOTES], scopes: ['openid', 'notes:read'] });
    await enter(person, { scope: 'openid notes:read' });
    const authorization = await person.party.authorization({ scope: 'notes:read' });
    const url = new URL(authorization.url);
    url.searchParams.delete('nonce');
    const page = await person.agent.follow(url.href);
    const answer = await post(
      server,
      '/oauth2/token',
      {
        ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
        code_verifier: authorization.codeVerifier,
      },
      basic(person.client),
    );
    expect(answer.body).not.toHaveProperty('id_token');
    expect(audienceOf(answer.body.access_token ?? '')).toBe(NOTES);
    expect((await userinfo(server, answer.body.access_token ?? '')).status).toBeOneOf([401, 403]);
  });

  it('the API alone, where the client is registered to keep the profile from it', async () => {
    const person = await visit(server, {
      ...{ audiences: [NOTES], scopes: ['openid', 'email', 'notes:read'], userinfoWithApi: false },
    });
    const tokens = await enter(person, { scope: 'openid email notes:read' });
    expect(audienceOf(tokens.access_token)).toBe(NOTES);
    expect(tokens.scope).toBe('notes:read');
    expect((await userinfo(server, tokens.access_token)).status).toBeOneOf([401, 403]);
    const refreshed = await person.party.refresh(tokens.refresh_token ?? '');
    expect(audienceOf(refreshed.access_token)).toBe(NOTES);
  });

  it.each([
    ['userinfo alone', [], 'openid offline_access'],
    ['an API', [NOTES], 'openid offline_access notes:read'],
  ])('with no scope that was taken from the client since, for %s', async (_name, audiences, left) => {
    const scopes = left.split(' ');
    const person = await visit(server, { audiences, scopes: [...scopes, 'email'] });
    const tokens = await enter(person, { scope: `${left} email`, prompt: 'consent' });
    expect(tokens.scope?.split(' ').sort()).toEqual([...scopes, 'email'].sort());
    const { id, name, audience, settings } = person.client;
    await server.app.stores.clients.update({ id, name, audience, settings: { ...settings, scopes } }, BY_OPERATOR);

    const refreshed = await person.party.refresh(tokens.refresh_token ?? '');
    expect(refreshed.scope?.split(' ').sort()).toEqual([...scopes].sort());
    expect((await userinfo(server, tokens.access_token)).body).toHaveProperty('email');
    expect((await userinfo(server, refreshed.access_token)).body).toEqual({ sub: person.account.id });
  });

  it.each(['https://unknown.example', MAIL, 'https://notes.example/', 'notes'])(
    'never an API that the client was not registered for: %s',
    async (resource) => {
      const person = await visit(server, { audiences: [NOTES], scopes: ['openid', 'notes:read'] });
      const { page } = await ask(person, { resource });
      expect(told(page).error).toBe('invalid_target');
    },
  );

  it('never an API that is disabled', async () => {
    const audience = 'https://gone.example';
    const api = await server.addClient('resource', { audience, scopes: ['read'] });
    const person = await visit(server, { audiences: [audience], scopes: ['openid', 'read'] });
    const tokens = await enter(person, { scope: 'openid read' });
    await server.app.stores.clients.setStatus(api.id, 'disabled', BY_OPERATOR);
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    const answer = await post(server, '/oauth2/token', refresh, basic(person.client));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('one API only, also where the request was for several', async () => {
    const person = await visit(server, { audiences: [NOTES, MAIL], scopes: ['openid', 'notes:read', 'mail:read'] });
    await enter(person);
    const authorization = await person.party.authorization({ scope: 'openid notes:read mail:read' });
    const page = await person.agent.follow(
      `${authorization.url}&${new URLSearchParams([
        ['resource', NOTES],
        ['resource', MAIL],
      ])}`,
    );
    const redemption = {
      ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
      ...{ code_verifier: authorization.codeVerifier, resource: MAIL },
    };
    const answer = await post(server, '/oauth2/token', redemption, basic(person.client));
    expect(audienceOf(answer.body.access_token ?? '')).toEqual([MAIL, userinfoAudience]);
    // With the refresh token, the other one (RFC 8707 2.2).
    const next = await person.party.refresh(answer.body.refresh_token ?? '', { resource: NOTES });
    expect(audienceOf(next.access_token)).toEqual([NOTES, userinfoAudience]);
    expect(next.scope).toBe('openid notes:read');
  });

  it('never an API that the sign-in was not for', async () => {
    const person = await visit(server, { audiences: [NOTES, MAIL], scopes: ['openid', 'notes:read', 'mail:read'] });
    const tokens = await enter(person, { scope: 'openid notes:read' });
    const parameters = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '', resource: MAIL };
    const answer = await post(server, '/oauth2/token', parameters, basic(person.client));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('no scope that the person was not asked for', async () => {
    const person = await visit(server, {
      audiences: [NOTES],
      scopes: ['openid', 'notes:read', 'notes:write'],
      firstParty: false,
    });
    const tokens = await enter(person, { scope: 'openid notes:read' });
    expect(decodeJwt(tokens.access_token)['scope']).toBe('openid notes:read');
    const parameters = {
      ...{
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token ?? '',
        scope: 'openid notes:read notes:write',
      },
    };
    const wider = await post(server, '/oauth2/token', parameters, basic(person.client));
    expect(wider).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    const narrower = await person.party.refresh(tokens.refresh_token ?? '', { scope: 'notes:read' });
    expect(decodeJwt(narrower.access_token)['scope']).toBe('notes:read');
  });

  it('no scope that the client was not registered for, or that the API does not know', async () => {
    const person = await visit(server, { audiences: [NOTES], scopes: ['openid', 'notes:read'] });
    const tokens = await enter(person, { scope: 'openid notes:read notes:write admin' });
    expect(decodeJwt(tokens.access_token)['scope']).toBe('openid notes:read');
    expect(told((await ask(person, { scope: 'openid email' })).page).error).toBe('invalid_scope');
  });
});

describe('client credentials (RFC 6749 4.4)', () => {
  const service = (options: AddClient = {}) =>
    server.addClient('service', { audiences: [NOTES], scopes: ['notes:read'], ...options });

  const tokenFor = (client: Visit['client'], parameters: Record<string, string> = {}) =>
    post(server, '/oauth2/token', { grant_type: 'client_credentials', ...parameters }, basic(client));

  it('give a token of the client’s own, for its API', async () => {
    const client = await service();
    const { body } = await tokenFor(client, { scope: 'notes:read' });
    expect(decodeProtectedHeader(body.access_token ?? '')).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    const claims = decodeJwt(body.access_token ?? '');
    expect(claims).toMatchObject({
      iss: server.issuer,
      aud: NOTES,
      sub: client.id,
      client_id: client.id,
      scope: 'notes:read',
    });
    expect(claims).not.toHaveProperty('gid');
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('id_token');
    expect((await userinfo(server, body.access_token ?? '')).status).toBe(401);
  });

  it('never carry a scope that is not registered, unknown to the API, or about a person', async () => {
    const client = await service();
    const { body } = await tokenFor(client, {
      scope: 'notes:read notes:write admin openid profile email offline_access',
    });
    expect(decodeJwt(body.access_token ?? '')['scope']).toBe('notes:read');
    const none = await tokenFor(client);
    expect(decodeJwt(none.body.access_token ?? '')).not.toHaveProperty('scope');
  });

  it('name only the APIs that the client was registered for', async () => {
    const client = await service();
    expect(await tokenFor(client, { resource: MAIL })).toMatchObject({
      status: 400,
      body: { error: 'invalid_target' },
    });
    const both = await service({ audiences: [NOTES, MAIL], scopes: ['notes:read', 'mail:read'] });
    const { body } = await tokenFor(both, { resource: MAIL, scope: 'notes:read mail:read' });
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({ aud: MAIL, scope: 'mail:read' });
  });

  it('open nothing without an API: there is nobody whose profile they could read', async () => {
    const { body } = await tokenFor(await service({ audiences: [] }), { scope: 'openid email' });
    const token = body.access_token ?? '';
    expect(decodeJwt(token)).toMatchObject({ aud: userinfoAudience });
    expect(decodeJwt(token)).not.toHaveProperty('scope');
    expect((await userinfo(server, token)).status).toBe(401);
  });

  it('are for services: nobody else may act for itself, and a service cannot sign people in', async () => {
    const web = (await visit(server)).client;
    const api = await server.addClient('resource', { audience: 'https://self.example', scopes: ['x'] });
    for (const client of [web, api]) expect((await tokenFor(client)).status).toBe(400);
    const person = await visit(server);
    const page = await person.agent.follow(
      `/oauth2/authorize?${new URLSearchParams({ client_id: (await service()).id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid' })}`,
    );
    expect(page.url.startsWith(server.issuer)).toBe(true);
    expect(page.status).toBe(400);
  });
});

it('a token of a signed-in person names the session’s grant, and a new sign-in another', async () => {
  const person = await visit(server);
  const first = decodeJwt((await enter(person)).access_token)['gid'];
  expect(decodeJwt((await again(person)).access_token)['gid']).toBe(first);
  const elsewhere = await enter({ ...person, agent: (await visit(server)).agent });
  expect(decodeJwt(elsewhere.access_token)['gid']).not.toBe(first);
});
