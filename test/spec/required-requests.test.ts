import type { JWTPayload } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientKeys, clientKeys } from '../support/client-keys.ts';
import { type Answer, basic, post } from '../support/endpoint.ts';
import { type KeyServer, startKeyServer } from '../support/key-server.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { slowLooks } from '../support/slow-looks.ts';
import { racers } from '../support/stores.ts';
import { createUserAgent, type Page } from '../support/user-agent.ts';
import { enter, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';

/* Clients that may send their authorization requests in one way only (--require-par, --require-signed-requests). */

let server: TestServer;
let keys: ClientKeys;
let keyServer: KeyServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  keys = await clientKeys();
  keyServer = await startKeyServer(keys.jwks);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await keyServer[Symbol.asyncDispose]();
});

const BOTH = { requirePar: true, requireSignedRequests: true };

/** Of a person who has a session already: a good request is answered with a code at once. */
async function person(options: VisitOptions): Promise<Visit> {
  const account = await server.addAccount();
  const agent = createUserAgent(server.issuer);
  await enter(await visit(server, { account, agent }));
  return visit(server, { account, agent, jwks: keys.jwks, ...options });
}

async function parametersOf({ client }: Visit): Promise<Record<string, string>> {
  return {
    ...{ client_id: client.id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid', state: 's' },
    ...{ code_challenge: await openid.calculatePKCECodeChallenge('x'.repeat(43)), code_challenge_method: 'S256' },
  };
}

async function objectOf(one: Visit, changes: JWTPayload = {}, by = keys): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: one.client.id, aud: server.issuer, iat: now, exp: now + 60, ...(await parametersOf(one)) };
  return by.sign({ ...claims, ...changes }, { typ: 'oauth-authz-req+jwt' });
}

const open = ({ agent, client }: Visit, parameters: Record<string, string>): Promise<Page> =>
  agent.follow(`/oauth2/authorize?${new URLSearchParams({ client_id: client.id, ...parameters })}`);
const push = ({ client }: Visit, parameters: Record<string, string>): Promise<Answer> =>
  post(server, '/oauth2/par', { client_id: client.id, ...parameters }, basic(client));
const errorOf = (page: Page) =>
  page.url.startsWith(CALLBACK) ? told(page).error : /(invalid|request)_[a-z_]+/.exec(page.html)?.[0];

describe('a client whose requests must be pushed', () => {
  it('is refused with one in the address, signed or not', async () => {
    const one = await person({ requirePar: true });
    expect(errorOf(await open(one, await parametersOf(one)))).toBe('invalid_request');
    expect(errorOf(await open(one, { request: await objectOf(one) }))).toBe('invalid_request');
    const pushed = await push(one, await parametersOf(one));
    expect(told(await open(one, { request_uri: String(pushed.body['request_uri']) })).code).toBeDefined();
  });
});

describe('a client whose requests must be signed', () => {
  it('is refused with one that is not, wherever it is sent', async () => {
    const one = await person({ requireSignedRequests: true });
    expect(errorOf(await open(one, await parametersOf(one)))).toBe('invalid_request');
    expect(await push(one, await parametersOf(one))).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(told(await open(one, { request: await objectOf(one) })).code).toBeDefined();
  });

  it('has them end within the hour', async () => {
    const one = await person({ requireSignedRequests: true });
    const now = Math.floor(Date.now() / 1000);
    for (const exp of [undefined, now + 3700, 1e300, now - 60]) {
      const request = await objectOf(one, { exp } as JWTPayload);
      expect(errorOf(await open(one, { request })), `${exp}`).toBe('invalid_request_object');
      expect(await push(one, { request }), `${exp}`).toMatchObject({ body: { error: 'invalid_request_object' } });
    }
    expect(told(await open(one, { request: await objectOf(one, { exp: now + 3600 }) })).code).toBeDefined();
  });

  it('does not get through with those of others, for others, or by another key', async () => {
    const one = await person({ requireSignedRequests: true });
    const other = await person({ requireSignedRequests: true });
    const stranger = { ...(await clientKeys()), kid: keys.kid };
    for (const request of [
      ...[await objectOf(other), await objectOf(one, { aud: 'https://other.example' })],
      ...[await objectOf(one, { iss: other.client.id }), await objectOf(one, {}, await clientKeys())],
      await stranger.sign({ ...(await parametersOf(one)), iss: one.client.id, aud: server.issuer }),
    ]) {
      expect(errorOf(await open(one, { request }))).toBe('invalid_request_object');
      expect(await push(one, { request })).toMatchObject({ status: 400, body: { error: 'invalid_request_object' } });
    }
  });
});

describe('a client that must do both', () => {
  it.each(['jwks', 'jwks_uri'] as const)('signs, pushes and gets a code, by a library of others (%s)', async (by) => {
    const at = by === 'jwks' ? {} : { jwks: null, jwksUri: keyServer.uri };
    const one = await visit(server, { jwks: keys.jwks, ...at, ...BOTH });
    const { config } = one.party;
    const { url, ...authorization } = await one.party.authorization();
    const signed = await openid.buildAuthorizationUrlWithJAR(config, new URL(url).searchParams, {
      ...{ key: keys.privateKey, kid: keys.kid },
    });
    const pushed = await openid.buildAuthorizationUrlWithPAR(config, signed.searchParams);
    const back = await signIn(one.agent, await one.agent.follow(pushed.href), one.account);
    const tokens = await one.party.redeem(back, { url, ...authorization });
    expect(tokens.claims()?.sub).toBe(one.account.id);
  });

  it('has each pushed request used once, by itself alone', async () => {
    const [one, other] = [await person(BOTH), await person(BOTH)];
    const pushed = await push(one, { request: await objectOf(one) });
    expect(pushed.status).toBe(201);
    const requestUri = { request_uri: String(pushed.body['request_uri']) };
    expect(errorOf(await open(other, requestUri))).toMatch(/^invalid_request/);
    const atOnce = slowLooks(server, 'PushedAuthorizationRequest');
    const pages = await racers(5, () => {
      const agent = createUserAgent(server.issuer);
      for (const [name, cookie] of one.agent.jar) agent.jar.set(name, cookie);
      return open({ ...one, agent }, requestUri);
    });
    atOnce();
    const codes = pages.filter((page) => page.url.startsWith(CALLBACK) && told(page).code);
    expect(codes).toHaveLength(1);
    for (const page of pages.filter((each) => !codes.includes(each))) expect(errorOf(page)).toBe('invalid_request_uri');
    expect(errorOf(await open(one, requestUri))).toBe('invalid_request_uri');
  });

  it('cannot get round it by a device, a request beside the request, or an address of its own', async () => {
    const one = await person({ ...BOTH, deviceGrant: true });
    const device = await post(server, '/oauth2/device', { client_id: one.client.id }, basic(one.client));
    expect(device.status).toBe(400);
    const plain = await parametersOf(one);
    expect(errorOf(await open(one, { ...plain, request: await objectOf(one) }))).toBe('invalid_request');
    expect(errorOf(await open(one, { ...plain, request_uri: keyServer.uri }))).toBe('request_uri_not_supported');
    expect((await push(one, { ...plain, request_uri: 'urn:ietf:params:oauth:request_uri:x' })).status).toBe(400);
  });
});

describe('discovery', () => {
  it('says what holds for everybody, and not what single clients must do', async () => {
    const metadata = (await visit(server)).party.config.serverMetadata();
    expect(metadata).toMatchObject({
      pushed_authorization_request_endpoint: `${server.issuer}/oauth2/par`,
      ...{ request_parameter_supported: true, request_uri_parameter_supported: false },
      request_object_signing_alg_values_supported: expect.arrayContaining(['RS256', 'PS256', 'ES256', 'Ed25519']),
    });
    expect(metadata.require_pushed_authorization_requests).toBeUndefined();
    expect(metadata['require_signed_request_object']).toBeUndefined();
  });
});
