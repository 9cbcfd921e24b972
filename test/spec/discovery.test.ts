import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ JWKS_CACHE: '321' });
});
afterAll(() => server[Symbol.asyncDispose]());

const get = async (path: string) => answerOf(await fetch(new URL(path, server.issuer)));

describe('discovery (OpenID Connect Discovery 1.0, RFC 8414)', () => {
  it('says the same at both addresses', async () => {
    const openid = await get('/.well-known/openid-configuration');
    const oauth2 = await get('/.well-known/oauth-authorization-server');
    expect(openid.status).toBe(200);
    expect(oauth2.body).toEqual(openid.body);
  });

  it.each(['oidc', 'oauth2'] as const)('satisfies a library that we did not write (%s)', async (algorithm) => {
    const issuer = new URL(server.issuer);
    const response = await oauth.discoveryRequest(issuer, { algorithm, [oauth.allowInsecureRequests]: true });
    expect((await oauth.processDiscoveryResponse(issuer, response)).issuer).toBe(server.issuer);
  });

  it('lists addresses of the issuer only, and each of them is served', async () => {
    const { body } = await get('/.well-known/openid-configuration');
    const addresses = Object.entries(body).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(addresses.map(([name]) => name).sort()).toEqual([
      ...['authorization_endpoint', 'device_authorization_endpoint', 'end_session_endpoint'],
      ...['introspection_endpoint', 'jwks_uri'],
      ...['pushed_authorization_request_endpoint', 'revocation_endpoint', 'token_endpoint', 'userinfo_endpoint'],
    ]);
    for (const [name, address] of addresses) {
      expect(new URL(String(address)).origin, name).toBe(server.issuer);
      const { status } = await fetch(String(address), { method: 'GET', redirect: 'manual' });
      const posted = await fetch(String(address), { method: 'POST', redirect: 'manual' });
      expect(Math.min(status, posted.status), name).not.toBe(404);
    }
  });

  it('promises what this server does, and nothing that it refuses', async () => {
    const { body } = await get('/.well-known/openid-configuration');
    expect(body).toMatchObject({
      issuer: server.issuer,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      claims_parameter_supported: true,
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      acr_values_supported: ['one-factor', 'two-factor', 'phishing-resistant'].map(
        (name) => `urn:gatewright:acr:${name}`,
      ),
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      ui_locales_supported: ['en', 'de'],
    });
    const listOf = (name: string) => [...((body[name] as string[] | undefined) ?? [])].sort();
    expect(listOf('grant_types_supported')).toEqual([
      ...['authorization_code', 'client_credentials', 'refresh_token'],
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ]);
    expect(listOf('response_modes_supported')).toEqual(['form_post', 'fragment', 'query'].sort());
    expect(listOf('scopes_supported')).toEqual(['address', 'email', 'offline_access', 'openid', 'phone', 'profile']);
    expect(listOf('token_endpoint_auth_methods_supported')).toEqual([
      ...['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt'],
    ]);
    // RFC 8414 2: unsaid, revocation would take secrets in a header alone.
    for (const endpoint of ['introspection', 'revocation']) {
      for (const what of ['auth_methods_supported', 'auth_signing_alg_values_supported']) {
        expect(body[`${endpoint}_endpoint_${what}`], what).toEqual(body[`token_endpoint_${what}`]);
      }
    }
    // Whatever stands in client_secret would be an HMAC key; and nothing is taken unsigned.
    for (const [name, values] of Object.entries(body).filter(([key]) => key.includes('signing_alg_values'))) {
      for (const alg of values as string[]) expect(alg, name).not.toMatch(/^(HS|none)/);
    }
    expect(body).not.toHaveProperty('registration_endpoint');
    expect(listOf('dpop_signing_alg_values_supported')).toEqual(['ES256', 'Ed25519', 'PS256', 'RS256']);
    expect((await fetch(`${server.issuer}/oauth2/register`, { method: 'POST' })).status).toBe(404);
  });

  it('builds no address from a Host or forwarded header', async () => {
    const { body } = await answerOf(
      await fetch(`${server.issuer}/.well-known/openid-configuration`, {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
      }),
    );
    expect(JSON.stringify(body)).not.toContain('evil.example');
    expect(body['token_endpoint']).toBe(`${server.issuer}/oauth2/token`);
  });
});

describe('the JWKS (RFC 7517)', () => {
  it('has public halves only, each for RS256 signatures, and no other key material', async () => {
    const { body } = await get('/.well-known/jwks.json');
    const keys = body['keys'] as Record<string, string>[];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toEqual({
        ...{ kty: 'RSA', use: 'sig', alg: 'RS256', e: 'AQAB' },
        ...{ kid: expect.any(String), n: expect.stringMatching(/^[\w-]{342}$/) },
      });
    }
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
  });

  it.each(['/.well-known/jwks.json', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'may be kept by caches for as long as keys are announced before they sign: %s',
    async (path) => {
      const { headers } = await get(path);
      expect(headers.get('cache-control')).toBe('public, max-age=321');
      expect(headers.getSetCookie()).toEqual([]);
    },
  );
});
