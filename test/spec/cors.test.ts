import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import { basic, bearer, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ask, enter, told, type Visit, visit } from '../support/visit.ts';

const ORIGIN = new URL(CALLBACK).origin;
const FOREIGN = ['https://evil.example', 'http://localhost:90', 'https://localhost:9', 'http://localhost', 'null'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

const allowed = (headers: Headers) => headers.get('access-control-allow-origin');

async function redeem(person: Visit, origin: string) {
  const { authorization, page } = await ask(person);
  const { settings, id } = person.client;
  const isPublic = settings.authMethod === 'none';
  const parameters = {
    ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
    ...{ code_verifier: authorization.codeVerifier, ...(isPublic && { client_id: id }) },
  };
  return post(server, '/oauth2/token', parameters, { origin, ...(isPublic ? {} : basic(person.client)) });
}

describe('what pages of other origins may read', () => {
  it('tokens, from where a public client has a redirect address', async () => {
    const person = await visit(server, { type: 'spa' });
    await enter(person);
    const answer = await redeem(person, ORIGIN);
    expect(answer.status).toBe(200);
    expect(allowed(answer.headers)).toBe(ORIGIN);
    expect(answer.headers.get('vary')).toMatch(/origin/i);
    // Cookies are never sent along: the token endpoint knows nobody by them.
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it.each(FOREIGN)('no tokens, from anywhere else: %s', async (origin) => {
    const person = await visit(server, { type: 'spa' });
    await enter(person);
    const answer = await redeem(person, origin);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toHaveProperty('access_token');
    expect(allowed(answer.headers)).toBeNull();
  });

  it('no tokens of a client that has a secret: no page should hold one', async () => {
    const person = await visit(server);
    await enter(person);
    const answer = await redeem(person, ORIGIN);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toHaveProperty('access_token');
    expect(allowed(answer.headers)).toBeNull();
  });

  it('refresh and revocation, as tokens', async () => {
    const person = await visit(server, { type: 'spa' });
    const { refresh_token = '' } = await enter(person);
    const client_id = person.client.id;
    const refresh = { grant_type: 'refresh_token', refresh_token, client_id };
    const foreign = await post(server, '/oauth2/token', refresh, { origin: 'https://evil.example' });
    expect([foreign.status, allowed(foreign.headers)]).toEqual([400, null]);
    const own = await post(server, '/oauth2/token', refresh, { origin: ORIGIN });
    expect([own.status, allowed(own.headers)]).toEqual([200, ORIGIN]);
    const token = own.body.refresh_token ?? '';
    const revoked = await post(server, '/oauth2/revoke', { token, client_id }, { origin: ORIGIN });
    expect([revoked.status, allowed(revoked.headers)]).toEqual([200, ORIGIN]);
  });

  it.each(['spa', 'web'] as const)('userinfo, from where a %s client has a redirect address', async (type) => {
    const { access_token } = await enter(await visit(server, { type }));
    const get = (origin: string) =>
      fetch(`${server.issuer}/oauth2/userinfo`, { headers: { origin, ...bearer(access_token) } });
    const own = await get(ORIGIN);
    expect([own.status, allowed(own.headers)]).toEqual([200, ORIGIN]);
    for (const origin of FOREIGN) {
      const answer = await get(origin);
      expect([answer.status, allowed(answer.headers)], origin).toEqual([400, null]);
    }
  });

  it.each(['/.well-known/jwks.json', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'what anybody may know, from everywhere: %s',
    async (path) => {
      const response = await fetch(new URL(path, server.issuer), { headers: { origin: 'https://anybody.example' } });
      expect(response.status).toBe(200);
      expect(allowed(response.headers)).toBeOneOf(['*', 'https://anybody.example']);
    },
  );

  it('nothing of the pages that people see, and not the answer of a sign-in', async () => {
    const person = await visit(server, { type: 'spa' });
    const { url } = await person.party.authorization();
    for (const address of [url, `${server.issuer}/oauth2/logout`, `${server.issuer}/`]) {
      const response = await fetch(address, { headers: { origin: ORIGIN }, redirect: 'manual' });
      expect(allowed(response.headers), address).toBeNull();
    }
  });

  it('what proofs of possession need: nonces and refusals (RFC 9449 8)', async () => {
    const key = await dpopKey();
    const person = await visit(server, { type: 'spa' });
    await enter(person);
    const { authorization, page } = await ask(person);
    const form = {
      ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
      ...{ code_verifier: authorization.codeVerifier, client_id: person.client.id },
    };
    const stale = await key.proof(`${server.issuer}/oauth2/token`, { nonce: 'x' });
    const challenged = await post(server, '/oauth2/token', form, { origin: ORIGIN, dpop: stale });
    expect(challenged).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    expect(allowed(challenged.headers)).toBe(ORIGIN);
    const readable = (headers: Headers) => headers.get('access-control-expose-headers')?.toLowerCase().split(',');
    expect(readable(challenged.headers)).toEqual(expect.arrayContaining(['dpop-nonce', 'www-authenticate']));
    const nonce = challenged.headers.get('dpop-nonce') ?? '';
    const dpop = await key.proof(`${server.issuer}/oauth2/token`, { nonce });
    const { access_token: token = '' } = (await post(server, '/oauth2/token', form, { origin: ORIGIN, dpop })).body;
    const address = `${server.issuer}/oauth2/userinfo`;
    const profile = await fetch(address, {
      headers: {
        ...{ origin: ORIGIN, authorization: `DPoP ${token}` },
        dpop: await key.proof(address, { token, nonce, method: 'GET' }),
      },
    });
    expect([profile.status, allowed(profile.headers)]).toEqual([200, ORIGIN]);
    expect(readable(profile.headers)).toEqual(expect.arrayContaining(['dpop-nonce', 'www-authenticate']));
  });

  it('asks first (preflight) at the endpoints for programs only', async () => {
    const preflight = (path: string) =>
      fetch(new URL(path, server.issuer), {
        method: 'OPTIONS',
        headers: {
          ...{ origin: ORIGIN, 'access-control-request-method': 'POST' },
          'access-control-request-headers': 'authorization,dpop',
        },
      });
    for (const path of ['/oauth2/token', '/oauth2/userinfo', '/oauth2/revoke', '/oauth2/par']) {
      const { status, headers } = await preflight(path);
      expect(status, path).toBe(204);
      expect(headers.get('access-control-allow-headers'), path).toContain('authorization,dpop');
    }
    for (const path of ['/oauth2/authorize', '/oauth2/logout', '/oauth2/logout/confirm', '/interaction/x/password']) {
      expect(allowed((await preflight(path)).headers), path).toBeNull();
    }
  });
});
