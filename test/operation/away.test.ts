import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { noteUnavailable } from '../../src/oidc/unavailable.ts';
import { ROUTES } from '../attacks/routes.ts';
import { signInPage } from '../attacks/stations.ts';
import { basic, bearer, post } from '../support/endpoint.ts';
import { type PostgresqlServer, startPostgresqlServer } from '../support/postgresql-server.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { textOf } from '../support/user-agent.ts';
import { ask, enter, type Visit, visit } from '../support/visit.ts';

let postgresql: PostgresqlServer;
let server: TestServer;
beforeAll(async () => {
  postgresql = await startPostgresqlServer({ durable: true });
  server = await startTestServer({ DATABASE_URL: postgresql.url });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await postgresql.remove();
});

/** They need no database: what they say is known, or belongs to nobody. */
const STILL_THERE =
  /^\/($|assets\/|\.well-known\/|health\/live|no\/such|setup(\/(account|totp|recovery-codes))?$|link$|forgotten-password$|sign-up$|oauth2\/logout\/success|device(\/decision)?$)/;
const page = { accept: 'text/html' };

async function quick(path: string, init: RequestInit = {}) {
  const from = performance.now();
  const answer = await fetch(`${server.issuer}${path}`, { redirect: 'manual', ...init });
  const text = await answer.text();
  expect([path, performance.now() - from < 6_000]).toEqual([path, true]);
  return { status: answer.status, headers: answer.headers, text };
}

it('what an answer had begun to say is taken back: no cookie of a session that was not saved, no code', async () => {
  const { artifacts } = server.app.stores;
  const person = await visit(server);
  const { page: form } = await ask(person);
  const { put } = artifacts;
  vi.spyOn(artifacts, 'put').mockImplementation(async (kind, ...rest) => {
    if (kind !== 'Session') return put(kind, ...rest);
    // As a wrapped store reports it.
    const err = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    noteUnavailable(err);
    throw err;
  });
  const back = await person.agent.submit(form, { email: person.account.email, password: PASSWORD });
  vi.restoreAllMocks();
  expect([back.status, new URL(back.url).pathname]).toEqual([503, expect.stringMatching(/^\/oauth2\/authorize\//)]);
  for (const name of ['set-cookie', 'location']) expect([name, back.headers.get(name)]).toEqual([name, null]);
});

it('a token is not called invalid because its key cannot be looked for', async () => {
  // The store as it is inside: that it failed is not noted where many requests share one look.
  vi.spyOn(server.app.stores.signingKeys, 'list').mockRejectedValue(new Error('away'));
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'RS256', typ: 'at+jwt', kid: 'of another instance' })}.${part({ jti: 'j' })}.c2ln`;
  const { status, headers } = await quick('/oauth2/userinfo', { headers: bearer(token) });
  vi.restoreAllMocks();
  expect([status, headers.get('www-authenticate')]).toEqual([503, null]);
});

describe('while the database is away', () => {
  let person: Visit;
  let tokens: Awaited<ReturnType<typeof enter>>;
  let form: Awaited<ReturnType<typeof signInPage>>;
  let authorization: URL;

  beforeAll(async () => {
    person = await visit(server, { scopes: ['openid', 'email', 'offline_access'] });
    tokens = await enter(person, { scope: 'openid offline_access', prompt: 'consent' });
    form = await signInPage(server);
    authorization = new URL((await ask(await visit(server))).authorization.url);
    await postgresql.stop('immediate');
  });

  it('no address fails in another way', async () => {
    for (const path of ROUTES) {
      const { status } = await quick(path, { headers: page });
      expect([path, status < 500 || status === 503]).toEqual([path, true]);
      // Who has no session is sent to sign in without a look into the database.
      const isSentOn = path.startsWith('/account') && status === 303;
      const isRefused = [400, 401, 404, 503].includes(status);
      if (!STILL_THERE.test(path)) expect([path, isRefused || isSentOn]).toEqual([path, true]);
    }
  });

  it('people are told that it is temporary, at our pages and at the library', async () => {
    const { pathname, search } = authorization;
    for (const path of [pathname + search, '/setup/gwl_x']) {
      const { status, headers, text } = await quick(path, { headers: page });
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '5']);
      expect(textOf(text)).toContain('Not available at the moment');
      expect([headers.get('location'), headers.get('set-cookie')]).toEqual([null, null]);
      expect(text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1:/);
    }
    const posted = await form.agent.post(form.page, { email: form.email, password: PASSWORD });
    expect([posted.status, posted.headers.get('retry-after')]).toEqual([503, '5']);
    expect(textOf(posted.html)).toContain('Not available at the moment');
  });

  it('programs are told to try again, and never that what they hold is worth nothing', async () => {
    const { client } = person;
    const held = { token: tokens.refresh_token as string };
    const cases: [string, Record<string, string>][] = [
      ['/oauth2/token', { grant_type: 'refresh_token', refresh_token: held.token }],
      ['/oauth2/token', { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x.example/' }],
      ['/oauth2/introspect', held],
      ['/oauth2/introspect', { token: tokens.access_token }],
      ['/oauth2/revoke', held],
      ['/oauth2/par', { response_type: 'code', scope: 'openid' }],
    ];
    for (const [path, parameters] of cases) {
      const { status, headers, body } = await post(server, path, parameters, basic(client));
      expect([path, status, body.error]).toEqual([path, 503, 'temporarily_unavailable']);
      expect([headers.get('retry-after'), headers.get('cache-control')]).toEqual(['5', 'no-store']);
      expect(JSON.stringify(body)).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/);
    }
    const userinfo = await quick('/oauth2/userinfo', { headers: bearer(tokens.access_token) });
    expect([userinfo.status, userinfo.headers.get('www-authenticate')]).toEqual([503, null]);
    expect((await quick('/health/ready')).text).toMatch(/"status":"unavailable","database":"unavailable"/);
    expect((await quick('/health/live')).status).toBe(200);
  });

  it('each request that failed is one line of the log, without a stack', async () => {
    const from = server.logged.length;
    const { headers } = await post(server, '/oauth2/introspect', { token: 'x' }, basic(person.client));
    const id = headers.get('x-request-id') as string;
    const alarms = server.logged
      .slice(from)
      .map((line) => JSON.parse(line) as { level: number; requestId?: string; reason?: string })
      .filter(({ level, requestId }) => level >= 50 && requestId === id);
    expect(alarms).toEqual([expect.objectContaining({ reason: expect.any(String) })]);
    expect(JSON.stringify(alarms)).not.toMatch(/\bat .+:\d+/);
  });
});

it('once it is back, everything goes on by itself', async () => {
  await postgresql.start();
  await expect
    .poll(async () => (await fetch(`${server.issuer}/health/ready`)).status, { timeout: 15_000, interval: 100 })
    .toBe(200);
  expect(await enter(await visit(server))).toHaveProperty('access_token');
});
