import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dpopKey } from '../support/dpop.ts';
import { answerOf, bearer } from '../support/endpoint.ts';
import { send } from '../support/raw.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, visit } from '../support/visit.ts';

const PATH = '/.well-known/oauth-protected-resource/oauth2/userinfo';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', SITE_NAME: 'Meadow', JWKS_CACHE: '321' });
});
afterAll(() => server[Symbol.asyncDispose]());

const userinfoAddress = () => `${server.issuer}/oauth2/userinfo`;

describe('the metadata of userinfo (RFC 9728)', () => {
  it('satisfies a library that we did not write, and names a server that knows of it', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true } as const;
    const resource = new URL(userinfoAddress());
    const response = await oauth.resourceDiscoveryRequest(resource, insecure);
    expect(response.url).toBe(`${server.issuer}${PATH}`);
    const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
    expect(metadata).toEqual({
      resource: userinfoAddress(),
      resource_name: 'Meadow',
      authorization_servers: [server.issuer],
      scopes_supported: ['openid', 'profile', 'email', 'address', 'phone'],
      bearer_methods_supported: ['header', 'body'],
      dpop_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'Ed25519'],
      dpop_bound_access_tokens_required: false,
      tls_client_certificate_bound_access_tokens: false,
    });
    const issuer = new URL(metadata.authorization_servers?.[0] ?? '');
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    expect(as['protected_resources']).toEqual([userinfoAddress()]);
    expect(as.userinfo_endpoint).toBe(metadata.resource);
    expect(as.dpop_signing_alg_values_supported).toEqual(metadata.dpop_signing_alg_values_supported);
  });

  it('promises what userinfo takes: a token in the header or in the body, and not in the address', async () => {
    const { access_token } = await enter(await visit(server));
    expect((await fetch(userinfoAddress(), { headers: bearer(access_token) })).status).toBe(200);
    const body = new URLSearchParams({ access_token });
    expect((await fetch(userinfoAddress(), { method: 'POST', body })).status).toBe(200);
    expect((await fetch(`${userinfoAddress()}?${body}`)).status).toBe(400);
  });

  it('may be kept by caches and read from any page, also by one that asks first', async () => {
    const { headers } = await fetch(`${server.issuer}${PATH}`, { headers: { origin: 'https://anybody.example' } });
    expect(headers.get('cache-control')).toBe('public, max-age=321');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.getSetCookie()).toEqual([]);
    const preflight = await fetch(`${server.issuer}${PATH}`, {
      method: 'OPTIONS',
      headers: {
        ...{ origin: 'https://anybody.example', 'access-control-request-method': 'GET' },
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      ...[204, 'mcp-protocol-version'],
    ]);
  });

  it('is made of the issuer, whatever a request calls it (safety rule 1)', async () => {
    const forwarded = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const answer = await send(server, { target: PATH, headers: forwarded });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('evil.example');
    expect((await send(server, { target: PATH, headers: { host: 'evil.example' } })).status).toBe(421);
  });

  it.each(['', '/', '/oauth2', '/oauth2/token', '/oauth2/userinfo/x'])(
    'is there for userinfo alone: %s',
    async (path) => {
      expect((await fetch(`${server.issuer}/.well-known/oauth-protected-resource${path}`)).status).toBe(404);
    },
  );
});

describe('whoever is refused at userinfo (RFC 9728 5.1)', () => {
  const challengesOf = (headers: Headers) =>
    oauthChallenges(headers.get('www-authenticate') ?? '').map(({ scheme, metadata }) => [scheme, metadata]);

  /** Scheme by scheme; no value in these has a quote or a comma of its own before a space. */
  function oauthChallenges(header: string) {
    return header.split(/, (?=(?:Bearer|DPoP) )/).map((challenge) => ({
      scheme: challenge.split(' ', 1)[0],
      metadata: /resource_metadata="([^"]+)"/.exec(challenge)?.[1],
    }));
  }

  it('is told where to read about it, by each scheme that it could use', async () => {
    const metadata = `${server.issuer}${PATH}`;
    const none = await fetch(userinfoAddress());
    expect(none.status).toBe(401);
    expect(challengesOf(none.headers)).toEqual([
      ['Bearer', metadata],
      ['DPoP', metadata],
    ]);
    const wrong = await fetch(userinfoAddress(), { headers: bearer('x') });
    expect(wrong.status).toBe(401);
    expect(challengesOf(wrong.headers)).toEqual([['Bearer', metadata]]);
    const dpop = await (await dpopKey()).proof(userinfoAddress(), { method: 'GET', token: 'x' });
    const bound = await fetch(userinfoAddress(), { headers: { authorization: 'DPoP x', dpop } });
    expect(bound.status).toBe(401);
    expect(challengesOf(bound.headers)).toEqual([['DPoP', metadata]]);
  });

  it('while nobody else is told anything', async () => {
    const { access_token } = await enter(await visit(server));
    const good = await fetch(userinfoAddress(), { headers: bearer(access_token) });
    expect(good.headers.get('www-authenticate')).toBeNull();
    const { status, headers } = await answerOf(
      await fetch(`${server.issuer}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: 'Basic eDp5' },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      }),
    );
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).not.toContain('resource_metadata');
  });
});
