import { createResourceServer, type IntrospectionOptions } from 'gatewright-resource-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, call, outcome, REFUSED } from './call.ts';
import { newDpopClient } from './dpop-client.ts';
import { AUDIENCE, accessToken, seconds, startIssuer, type TestIssuer } from './issuer.ts';

/*
 * The attacker has a token that was revoked, one of another API, or a refresh token; or takes the issuer away, so that
 * nobody can be asked.
 */

const AWAY = '503 temporarily_unavailable';
const ID = 'api:1';
const KEY = 'gwk_1234_abcdefgh';

let issuer: TestIssuer;
let reports: string[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  reports = [];
  issuer = await startIssuer();
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.close();
});

const newApi = (introspection: Partial<IntrospectionOptions> = {}) =>
  createResourceServer({
    ...{ issuer: issuer.issuer, audience: AUDIENCE, dpop: true, report: ({ message }) => void reports.push(message) },
    introspection: { clientId: ID, clientSecret: 'se cret+', ...introspection },
  });
const active = (more: Record<string, unknown> = {}) => ({
  ...{
    active: true,
    client_id: 'web',
    sub: 'acc_1',
    aud: AUDIENCE,
    scope: 'posts:read',
    token_type: 'Bearer',
    ...more,
  },
});
const questions = () => issuer.asked.filter((path) => path === '/introspect').length;

describe('a JWT that the issuer is asked about', () => {
  it('has the permissions and roles that the issuer says, not those in it', async () => {
    const token = await accessToken(issuer, { scope: 'posts:read posts:delete', roles: ['admin'] });
    issuer.introspection = active({ roles: ['reader'] });
    expect(await call(newApi(), bearer(token))).toMatchObject({
      permissions: ['posts:read'],
      roles: ['reader'],
      acr: 'two',
    });
    issuer.introspection = { active: true };
    expect(await call(newApi(), bearer(token))).toMatchObject({ permissions: [], roles: [], sub: 'acc_1' });
  });

  it('is refused once it was revoked, and goes on passing where nobody asks', async () => {
    const token = await accessToken(issuer);
    const alone = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE });
    for (const answer of [{ active: false }, {}, { active: 'true' }, { active: 1 }, active({ iss: 'https://other' })]) {
      issuer.introspection = answer;
      expect(await outcome(call(newApi(), bearer(token)))).toBe(REFUSED);
      expect(await outcome(call(alone, bearer(token)))).toBe('passes');
    }
  });

  it('is asked about with the credentials of this API, and not before it was found genuine', async () => {
    let seen: string[] = [];
    issuer.answers.set('/introspect', (req, res, body) => {
      seen = [req.method ?? '', req.headers.authorization ?? '', body];
      res.end(JSON.stringify(active()));
    });
    const token = await accessToken(issuer);
    await call(newApi(), bearer(token));
    const pair = Buffer.from('api%3A1:se+cret%2B').toString('base64');
    expect(seen).toEqual(['POST', `Basic ${pair}`, `token=${token}&token_type_hint=access_token`]);

    seen = [];
    const bad = [await accessToken(issuer, { aud: 'x' }), await accessToken(issuer, { cnf: { jkt: 'x' } }), 'a.b.c'];
    for (const each of bad) expect(await outcome(call(newApi(), bearer(each)))).toBe(REFUSED);
    expect(seen).toEqual([]);
  });

  it('is asked about where this API wants it', async () => {
    const when: IntrospectionOptions['when'] = ({ permissions }, { method }) =>
      method !== 'GET' || permissions.includes('posts:delete');
    const api = newApi({ when });
    issuer.introspection = { active: false };
    const [mild, careful] = [await accessToken(issuer), await accessToken(issuer, { scope: 'posts:delete' })];
    expect(await outcome(call(api, bearer(mild)))).toBe('passes');
    expect(questions()).toBe(0);
    expect(await outcome(call(api, bearer(careful)))).toBe(REFUSED);
    expect(await outcome(api.verify({ method: 'DELETE', url: '/posts', headers: bearer(mild) }))).toBe(REFUSED);
  });
});

describe('an opaque token', () => {
  it('is known by the answer alone', async () => {
    issuer.introspection = active({ sub: undefined, roles: ['robot'], exp: seconds(60) });
    expect(await call(newApi(), bearer(KEY))).toMatchObject({
      ...{ sub: 'web', clientId: 'web', permissions: ['posts:read'], roles: ['robot'], acr: null, authTime: null },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['is not active', { active: false }],
    ['is for another API', { aud: 'https://other.example' }],
    ['is for several others', { aud: [`${AUDIENCE}/`, 'https://other.example'] }],
    ['is for nobody', { aud: undefined }],
    ['is of another issuer', { iss: 'https://other.example' }],
    ['is expired', { exp: seconds(-10) }],
    ['has an odd expiry', { exp: 'never' }],
    ['is not valid yet', { nbf: seconds(100) }],
    ['is a refresh token', { token_type: 'refresh_token' }],
    ['is an ID token', { token_type: 'id_token' }],
    ['is nobody’s', { client_id: undefined }],
    ['is bound to a key', { cnf: { jkt: 'x' } }],
    ['is bound to a certificate', { cnf: { 'x5t#S256': 'x' } }],
  ])('is refused where it %s', async (_what, changes) => {
    issuer.introspection = active(changes);
    expect(await outcome(call(newApi(), bearer(KEY)))).toBe(REFUSED);
  });

  it('passes without an audience where this API says so', async () => {
    issuer.introspection = active({ aud: undefined });
    expect(await outcome(call(newApi({ withoutAudience: true }), bearer(KEY)))).toBe('passes');
    issuer.introspection = active({ aud: 'https://other.example' });
    expect(await outcome(call(newApi({ withoutAudience: true }), bearer(`${KEY}2`)))).toBe(REFUSED);
  });

  it('passes with the proof that it is bound to', async () => {
    const client = await newDpopClient();
    issuer.introspection = active({ cnf: client.cnf, token_type: 'DPoP' });
    expect(await outcome(call(newApi(), await client.headers(KEY)))).toBe('passes');
    expect(await outcome(call(newApi(), bearer(KEY)))).toBe(REFUSED);
  });

  it('is refused where nobody can be asked about it', async () => {
    const alone = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE });
    issuer.introspection = active();
    expect(await outcome(call(alone, bearer(KEY)))).toBe(REFUSED);
  });

  it('that looks like a JWT has to be one', async () => {
    issuer.introspection = active();
    expect(await outcome(call(newApi(), bearer('e30.e30.c2ln')))).toBe(REFUSED);
    expect(questions()).toBe(0);
  });
});

describe('an issuer that is away', () => {
  it('lets nobody through', async () => {
    const api = newApi({ cacheFor: 0 });
    const token = await accessToken(issuer);
    issuer.introspection = active();
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
    for (const [status, text] of [
      ...[
        [500, ''],
        [401, '{"error":"invalid_client"}'],
        [200, ''],
        [200, 'null'],
        [200, '[true]'],
        [204, ''],
      ],
      ...[[302, '']],
    ] as [number, string][]) {
      issuer.answers.set('/introspect', (_req, res) => {
        res.writeHead(status, { location: `${issuer.issuer}/jwks` }).end(text);
      });
      expect(await outcome(call(api, bearer(token))), `${status} ${text}`).toBe(AWAY);
      expect(await outcome(call(api, bearer(KEY)))).toBe(AWAY);
    }
    issuer.answers.set('/introspect', (req) => void req.socket.destroy());
    expect(await outcome(call(api, bearer(token)))).toBe(AWAY);
    expect(reports[0]).toBe(`${issuer.issuer}/introspect answered 500`);
    expect(reports.join()).not.toContain(token);
  });

  it('that has no such endpoint is the same', async () => {
    const metadata = JSON.stringify({ issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` });
    issuer.answers.set('/.well-known/openid-configuration', (_req, res) => void res.end(metadata));
    issuer.introspection = active();
    expect(await outcome(call(newApi(), bearer(KEY)))).toBe(AWAY);
    expect(await outcome(call(newApi({ endpoint: `${issuer.issuer}/introspect` }), bearer(KEY)))).toBe('passes');
  });
});

describe('an answer', () => {
  it('is shared by those who ask the same at once, and used for five seconds', async () => {
    const api = newApi();
    issuer.introspection = active();
    const calls = await Promise.all(Array.from({ length: 50 }, () => outcome(call(api, bearer(KEY)))));
    expect(new Set(calls)).toEqual(new Set(['passes']));
    expect(questions()).toBe(1);
    issuer.introspection = { active: false };
    vi.setSystemTime(Date.now() + 4_999);
    expect(await outcome(call(api, bearer(KEY)))).toBe('passes');
    vi.setSystemTime(Date.now() + 1);
    expect(await outcome(call(api, bearer(KEY)))).toBe(REFUSED);
    expect(questions()).toBe(2);
  });

  it('is not used at all where that was said', async () => {
    const api = newApi({ cacheFor: 0 });
    issuer.introspection = active();
    await call(api, bearer(KEY));
    issuer.introspection = { active: false };
    expect(await outcome(call(api, bearer(KEY)))).toBe(REFUSED);
  });

  it('is not used beyond the end of the token', async () => {
    const api = newApi({ cacheFor: 300 });
    issuer.introspection = active({ exp: seconds(10) });
    await call(api, bearer(KEY));
    vi.setSystemTime(Date.now() + 16_000);
    expect(await outcome(call(api, bearer(KEY)))).toBe(REFUSED);
    expect(questions()).toBe(1);
  });

  it('is that of its token alone, and of few tokens', async () => {
    const api = newApi({ cacheFor: 300 });
    issuer.answers.set('/introspect', (_req, res, body) => {
      res.end(JSON.stringify(active({ sub: new URLSearchParams(body).get('token') })));
    });
    expect((await call(api, bearer('one'))).sub).toBe('one');
    expect((await call(api, bearer('two'))).sub).toBe('two');
    for (let count = 0; count < 1_000; count += 1) await call(api, bearer(`more-${count}`));
    const before = questions();
    expect((await call(api, bearer('more-999'))).sub).toBe('more-999');
    expect(questions()).toBe(before);
    expect((await call(api, bearer('one'))).sub).toBe('one');
    expect(questions()).toBe(before + 1);
  });

  it('that does not come is waited for by a bounded number', async () => {
    const waiting: (() => void)[] = [];
    issuer.answers.set('/introspect', (_req, res) => {
      waiting.push(() => void res.end(JSON.stringify(active())));
      if (waiting.length === 200) for (const answer of waiting) answer();
    });
    const api = newApi();
    const calls = Array.from({ length: 230 }, (_, count) => outcome(call(api, bearer(`token-${count}`))));
    const found = await Promise.all(calls);
    expect(found.filter((each) => each === 'passes')).toHaveLength(200);
    expect(found.filter((each) => each === AWAY)).toHaveLength(30);
    expect(questions()).toBe(200);
  });
});

it.each<[Partial<IntrospectionOptions>, string]>([
  [{ clientSecret: '' }, 'introspection needs clientId and clientSecret'],
  [{ cacheFor: 301 }, 'introspection.cacheFor must be 0 to 300 seconds'],
  [{ endpoint: 'http://id.example.org/introspect' }, 'introspection.endpoint must be https: outside loopback'],
])('options %j: %s', (options, problem) => expect(() => newApi(options)).toThrow(problem));
