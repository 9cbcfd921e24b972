import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSecretHash } from '../../src/clients/secrets.ts';
import { type ClientKeys, clientKeys } from '../support/client-keys.ts';
import { basic, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import type { Page } from '../support/user-agent.ts';
import { enter, told, type Visit, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Keyed {
  person: Visit;
  keys: ClientKeys;
}

/** Somebody who is signed in already, so that a good request is answered with a code at once. */
async function keyed(alg: 'RS256' | 'PS256' | 'ES256' | 'Ed25519' = 'ES256'): Promise<Keyed> {
  const keys = await clientKeys(alg);
  const person = await visit(server, { jwks: keys.jwks });
  await enter(person);
  return { person, keys };
}

async function claimsOf({ client }: Visit, changes: JWTPayload = {}): Promise<JWTPayload> {
  const now = Math.floor(Date.now() / 1000);
  return {
    ...{ iss: client.id, aud: server.issuer, iat: now, exp: now + 60, client_id: client.id, response_type: 'code' },
    ...{ redirect_uri: CALLBACK, scope: 'openid', state: 'from-the-object', prompt: 'none' },
    ...{ code_challenge: await openid.calculatePKCECodeChallenge('x'.repeat(43)), code_challenge_method: 'S256' },
    ...changes,
  };
}

function send({ agent, client }: Visit, request: string, more: Record<string, string> = {}): Promise<Page> {
  const parameters = new URLSearchParams({ client_id: client.id, request, ...more });
  return agent.follow(`/oauth2/authorize?${parameters}`);
}

/** The error, wherever it is shown: nothing of a request that is not trusted need be followed, its redirect included. */
function errorOf(page: Page): string | undefined {
  return page.url.startsWith(CALLBACK) ? told(page).error : /(invalid|request)_[a-z_]+/.exec(page.html)?.[0];
}

describe('a signed request object (RFC 9101)', () => {
  it.each(['RS256', 'PS256', 'ES256', 'Ed25519'] as const)('is taken with %s by a registered key', async (alg) => {
    const { person, keys } = await keyed(alg);
    const page = await send(person, await keys.sign(await claimsOf(person), { typ: 'oauth-authz-req+jwt' }));
    expect(told(page)).toEqual({ code: expect.any(String), state: 'from-the-object', iss: server.issuer });
  });

  it('is all that counts: what stands beside it in the address is ignored (6.3)', async () => {
    const { person, keys } = await keyed();
    const beside = { state: 'from-the-address', scope: 'openid email', redirect_uri: 'https://evil.example' };
    const page = await send(person, await keys.sign(await claimsOf(person)), beside);
    expect(told(page)).toMatchObject({ code: expect.any(String), state: 'from-the-object' });
  });

  it('is refused where it is of somebody else, for somebody else, out of time, or nested', async () => {
    const { person, keys } = await keyed();
    const now = Math.floor(Date.now() / 1000);
    for (const changes of [
      ...[{ iss: 'somebody' }, { aud: 'https://other.example' }, { client_id: 'somebody' }, { exp: now - 60 }],
      ...[{ nbf: now + 60 }, { request: 'x' }, { request_uri: 'urn:x' }],
    ]) {
      const page = await send(person, await keys.sign(await claimsOf(person, changes)));
      expect(errorOf(page), JSON.stringify(changes)).toBe('invalid_request_object');
    }
  });

  it('is refused where another key signed it, or it was changed', async () => {
    const { person, keys } = await keyed();
    const stranger = await clientKeys();
    const forged = await stranger.sign(await claimsOf(person));
    expect(errorOf(await send(person, forged))).toBe('invalid_request_object');
    const [header, , signature] = (await keys.sign(await claimsOf(person))).split('.');
    const payload = Buffer.from(JSON.stringify(await claimsOf(person, { scope: 'openid email' }))).toString(
      'base64url',
    );
    expect(errorOf(await send(person, [header, payload, signature].join('.')))).toBe('invalid_request_object');
  });

  it('is refused without a signature', async () => {
    const { person } = await keyed();
    const unsigned = new UnsecuredJWT(await claimsOf(person)).encode();
    expect(errorOf(await send(person, unsigned))).toBe('invalid_request_object');
    expect(errorOf(await send(person, 'no.jwt.at-all'))).toBe('invalid_request_object');
  });

  it('is refused with what is stored of a secret, the secret itself, or anything else as an HMAC key', async () => {
    const { person, keys } = await keyed();
    const { client } = person;
    const jwk = JSON.stringify(keys.jwks.keys[0]);
    const guesses = [
      ...[client.secret, clientSecretHash(client.secret), client.id, 'secret', 'placeholder', 'undefined', 'null', jwk],
      ...[`\0${'\0'.repeat(31)}`, Buffer.from(clientSecretHash(client.secret), 'base64url').toString('latin1')],
    ];
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const guess of guesses) {
        const signed = await new SignJWT(await claimsOf(person)).setProtectedHeader({ alg }).sign(Buffer.from(guess));
        expect(errorOf(await send(person, signed)), `${alg} ${guess}`).toBe('invalid_request_object');
        const pushed = await post(server, '/oauth2/par', { request: signed }, basic(client));
        expect(pushed, `${alg} ${guess}`).toMatchObject({ status: 400, body: { error: 'invalid_request_object' } });
      }
    }
  });

  it('is refused from a client that registered no key', async () => {
    const { keys } = await keyed();
    const person = await visit(server);
    await enter(person);
    expect(errorOf(await send(person, await keys.sign(await claimsOf(person))))).toBe('invalid_request_object');
  });

  it('is not fetched from an address that the request names', async () => {
    const { person } = await keyed();
    const page = await person.agent.follow(
      `/oauth2/authorize?${new URLSearchParams({ client_id: person.client.id, request_uri: 'http://127.0.0.1:9/request' })}`,
    );
    expect(errorOf(page)).toBe('request_uri_not_supported');
  });

  it('may be pushed, for its own client', async () => {
    const { person, keys } = await keyed();
    const pushed = await post(
      server,
      '/oauth2/par',
      { request: await keys.sign(await claimsOf(person)) },
      basic(person.client),
    );
    expect(pushed.status).toBe(201);
    const parameters = { client_id: person.client.id, request_uri: String(pushed.body['request_uri']) };
    const page = await person.agent.follow(`/oauth2/authorize?${new URLSearchParams(parameters)}`);
    expect(told(page)).toMatchObject({ code: expect.any(String), state: 'from-the-object' });

    const other = await visit(server);
    const foreign = await post(
      server,
      '/oauth2/par',
      { request: await keys.sign(await claimsOf(person)) },
      basic(other.client),
    );
    expect(foreign).toMatchObject({ status: 400, body: { error: 'invalid_request_object' } });
  });
});
