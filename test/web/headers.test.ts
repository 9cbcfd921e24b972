import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_SYSTEM } from '../../src/lib/by.ts';
import { makeSetupLink } from '../../src/setup/setup-link.ts';
import { EVERY_ROUTE, ROUTES } from '../attacks/routes.ts';
import { secondFactorPage } from '../attacks/stations.ts';
import { freePort } from '../support/free-port.ts';
import { type RawAnswer, send } from '../support/raw.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';

const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
];

/** But for the hash of the one script that the library brings along. */
function policyOf({ headers }: RawAnswer): string[] {
  const parts = String(headers['content-security-policy']).split(/;\s*/);
  return parts.map((part) => part.replace(/ 'sha256-[\w+/=]+'/, ''));
}

const isPage = ({ headers }: RawAnswer) => String(headers['content-type']).startsWith('text/html');

describe('over http on this machine', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ SIGN_UP: 'open' });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(EVERY_ROUTE)('$method $path is strict and upgrades nothing', async ({ method, path }) => {
    const answer = await send(server, { method, target: path, headers: { accept: 'text/html' } });
    expect(policyOf(answer)).toEqual(POLICY);
    const { headers } = answer;
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    // Where an address may carry a token, it goes to nobody.
    const carriesToken = /^\/(setup|link)\/./.test(path)
      ? /GET|HEAD/.test(method)
      : /^\/oauth2\/(authorize|logout)$/.test(path);
    expect(headers['referrer-policy']).toBe(carriesToken ? 'no-referrer' : 'same-origin');
    expect(headers).not.toHaveProperty('strict-transport-security');
    // It would part a pop-up from the application that opened it to sign somebody in.
    expect(headers).not.toHaveProperty('cross-origin-opener-policy');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers['x-request-id']).toMatch(/^req_\w{22}$/);
    if (isPage(answer)) expect(headers['cache-control']).toBe('no-store');
  });

  it.each(ROUTES)('%s says as much to an API, which keeps no error either', async (target) => {
    const { status, headers } = await send(server, { target, headers: { accept: 'application/json' } });
    if (status >= 400) expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('is as strict under another name and where the body is refused', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const request of [
      { target: '/', headers: { host: 'evil.example.net' } },
      { target: '/oauth2/token', method: 'POST', headers: form, body: 'x'.repeat(70_000) },
      {
        target: '/setup/account',
        method: 'POST',
        headers: { ...form, cookie: 'gatewright-setup=x.y' },
        body: 'x'.repeat(70_000),
      },
    ]) {
      const answer = await send(server, request);
      expect([421, 413]).toContain(answer.status);
      expect(policyOf(answer)).toEqual(POLICY);
    }
  });

  it('gives cookies to no script, to no other site, and to no path that does not need them', async () => {
    const { agent, authorization } = await secondFactorPage(server);
    const started = await agent.request(authorization.url);
    const uid = started.headers.get('location')?.split('/').at(-1);
    const paths = { 'gatewright-interaction': `/interaction/${uid}`, 'gatewright-resume': `/oauth2/authorize/${uid}` };
    const cookies = started.headers.getSetCookie();
    expect(cookies.map((cookie) => cookie.split('=')[0]).sort()).toEqual(
      Object.keys(paths).flatMap((name) => [name, `${name}.sig`]),
    );
    for (const cookie of cookies) {
      const name = String(cookie.split('=')[0]).replace('.sig', '') as keyof typeof paths;
      expect(attributesOf(cookie)).toMatchObject({ path: paths[name], httponly: true, samesite: 'lax' });
      expect(attributesOf(cookie)).not.toHaveProperty('secure');
      expect(attributesOf(cookie)).not.toHaveProperty('domain');
    }
  });
});

describe('over https, which ends at a proxy', () => {
  const issuer = 'https://id.example.org';
  let server: TestServer;
  const cookies = new Map<string, string>();
  const received: string[] = [];

  beforeAll(async () => {
    server = { ...(await startTestServer({ ISSUER: issuer, PORT: String(await freePort()) })), issuer };
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function browse(target: string, form?: Record<string, string>): Promise<RawAnswer> {
    const body = form && new URLSearchParams(form).toString();
    const answer = await send(server, {
      ...{ target, method: form ? 'POST' : 'GET', ...(body !== undefined && { body }) },
      headers: {
        accept: 'text/html',
        cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }),
      },
    });
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value) received.push(cookie);
      cookies.set(name, value);
    }
    const next = answer.headers.location ?? /url=(.+)/.exec(String(answer.headers['refresh'] ?? ''))?.[1];
    return next?.startsWith('/') || next?.startsWith(issuer) ? browse(next.replace(issuer, '')) : answer;
  }
  const csrfOf = ({ body }: RawAnswer) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';

  it('a person signs in, and every cookie has a name that the browser guards', async () => {
    const account = await server.addAccount();
    const redirectUris = ['https://app.example.org/callback'];
    const client = await server.addClient('web', { redirectUris, firstParty: true });
    const page = await browse(
      `/oauth2/authorize?${new URLSearchParams({
        ...{ client_id: client.id, response_type: 'code', scope: 'openid', redirect_uri: String(redirectUris[0]) },
        ...{ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' },
      })}`,
    );
    const action = /action="(\/interaction\/[\w-]+\/password)"/.exec(page.body)?.[1] ?? '';
    const back = await browse(action, { csrf: csrfOf(page), email: account.email, password: PASSWORD });
    expect(back.headers.location).toMatch(
      /^https:\/\/app\.example\.org\/callback\?code=.*&iss=https%3A%2F%2Fid\.example\.org/,
    );

    const names = received.map((cookie) => String(cookie.split('=')[0]).replace('.sig', ''));
    expect([...new Set(names)].sort()).toEqual([
      '__Host-gatewright',
      '__Host-gatewright-browser',
      '__Secure-gatewright-interaction',
      '__Secure-gatewright-resume',
    ]);
    for (const cookie of received)
      expect(attributesOf(cookie)).toMatchObject({ secure: true, httponly: true, samesite: 'lax' });
    const session = received.filter((cookie) => cookie.startsWith('__Host-')).map(attributesOf);
    for (const attributes of session) expect(attributes).toMatchObject({ path: '/' });
  });

  it('the set-up link opens, and its cookie is guarded as well', async () => {
    const links = server.app.stores.setupLinks;
    const link = await makeSetupLink({ links, issuer, clock: Date.now }, BY_SYSTEM);
    received.length = 0;
    const page = await browse(new URL(link).pathname);
    expect([page.status, page.body]).toEqual([200, expect.stringContaining('action="/setup/account"')]);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/^__Secure-gatewright-setup=/);
    expect(attributesOf(received[0] ?? '')).toMatchObject({
      path: '/setup',
      secure: true,
      httponly: true,
      samesite: 'lax',
    });
    const next = await browse('/setup/account', {
      csrf: csrfOf(page),
      email: 'root@example.org',
      password: 'quiet otter ladder',
    });
    expect(next.body).toContain('action="/setup/totp"');
  });

  it.each(ROUTES)('%s asks the browser to stay with https', async (target) => {
    const answer = await send(server, { target });
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d{8}$/);
    expect(policyOf(answer)).toEqual([...POLICY, 'upgrade-insecure-requests']);
    expect(answer.text).not.toContain('http://');
  });

  it('addresses are https, whatever the proxy says the scheme was', async () => {
    const target = '/.well-known/openid-configuration';
    const { body } = await send(server, { target, headers: { 'x-forwarded-proto': 'http' } });
    const document = JSON.parse(body) as Record<string, unknown>;
    expect(document['issuer']).toBe(issuer);
    expect(document['token_endpoint']).toBe(`${issuer}/oauth2/token`);
    expect(body).not.toContain('http://');
  });
});

function attributesOf(cookie: string): Record<string, string | true> {
  const parts = cookie.split(';').slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', value] = part.trim().split('=');
      return [name.toLowerCase(), value ?? true];
    }),
  );
}
