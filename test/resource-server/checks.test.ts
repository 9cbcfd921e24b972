import fc from 'fast-check';
import {
  type Caller,
  createResourceServer,
  Refusal,
  type ResourceServer,
  requireAcr,
  requireFreshAuth,
  requirePermission,
  requireRole,
} from 'gatewright-resource-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, call, outcome, refusalOf } from './call.ts';
import { AUDIENCE, accessToken, seconds, startIssuer, type TestIssuer } from './issuer.ts';

const CALLER: Caller = {
  ...{ sub: 'acc_1', clientId: 'web', permissions: ['posts:read', 'posts:delete:own'], roles: ['author'] },
  ...{
    acr: 'two',
    amr: ['pwd', 'otp'],
    authTime: seconds(-100),
    expiresAt: seconds(100),
    scheme: 'Bearer',
    claims: {},
  },
  resourceMetadata: null,
};

function refused(check: () => unknown): { status: number; challenge: string | undefined } {
  try {
    check();
  } catch (err) {
    if (err instanceof Refusal) return { status: err.status, challenge: err.headers['WWW-Authenticate'] };
    throw err;
  }
  throw new Error('it passed');
}

describe('what a caller may do', () => {
  it('is asked by permission, all of them', () => {
    expect(requirePermission(CALLER, 'posts:read')).toBe(CALLER);
    expect(requirePermission(CALLER, 'posts:read', 'posts:delete:own')).toBe(CALLER);
    expect(refused(() => requirePermission(CALLER, 'posts:read', 'posts:delete'))).toEqual({
      status: 403,
      challenge:
        'Bearer error="insufficient_scope", error_description="The access token lacks posts:delete", scope="posts:read posts:delete"',
    });
  });

  it.each([
    'posts',
    'posts:',
    'posts:rea',
    'posts:read ',
    'POSTS:READ',
    'posts:delete',
    'posts:read posts:delete:own',
    '',
  ])('is said by whole words: not %j', (permission) => {
    expect(refused(() => requirePermission(CALLER, permission)).status).toBe(403);
  });

  it('is asked by role, one of them', () => {
    expect(requireRole(CALLER, 'editor', 'author')).toBe(CALLER);
    expect(refused(() => requireRole(CALLER, 'editor', 'admin'))).toEqual({
      status: 403,
      challenge: 'Bearer error="insufficient_scope", error_description="This needs the role editor or admin"',
    });
  });

  it('is asked by the age of the sign-in (RFC 9470)', () => {
    expect(requireFreshAuth(CALLER, 110)).toBe(CALLER);
    expect(refused(() => requireFreshAuth(CALLER, 60))).toEqual({
      status: 401,
      challenge:
        'Bearer error="insufficient_user_authentication", error_description="A more recent sign-in is needed", max_age="60"',
    });
    for (const authTime of [null, Number.NaN]) {
      expect(refused(() => requireFreshAuth({ ...CALLER, authTime }, 60)).status).toBe(401);
    }
    expect(refused(() => requireFreshAuth(CALLER, Number.NaN)).status).toBe(401);
  });

  it('is asked by the level of the sign-in (RFC 9470)', () => {
    expect(requireAcr(CALLER, 'two', 'three')).toBe(CALLER);
    expect(refused(() => requireAcr(CALLER, 'three', 'four'))).toEqual({
      status: 401,
      challenge:
        'Bearer error="insufficient_user_authentication", error_description="A stronger sign-in is needed", acr_values="three four"',
    });
    expect(refused(() => requireAcr({ ...CALLER, acr: null }, 'two')).status).toBe(401);
  });

  it('is answered in the scheme of the token, and says where this API is described', () => {
    const caller: Caller = { ...CALLER, scheme: 'DPoP', resourceMetadata: 'https://api.example/x' };
    expect(refused(() => requireRole(caller, 'a')).challenge).toMatch(
      /^DPoP error="insufficient_scope", .*, resource_metadata="https:\/\/api.example\/x"$/,
    );
  });

  it.each([
    ['a"b', 'a\\"b'],
    ['a\\', 'a\\\\'],
    ['a\r\nSet-Cookie: b', 'a??Set-Cookie: b'],
    ['grün', 'gr?n'],
    ['a", Basic realm="b', 'a\\", Basic realm=\\"b'],
  ])('is answered in one header, whatever %j says', (acr, quoted) => {
    const { challenge = '' } = refused(() => requireAcr(CALLER, acr));
    expect(challenge).toContain(`acr_values="${quoted}"`);
    expect(() => new Headers({ 'WWW-Authenticate': challenge })).not.toThrow();
  });
});

describe('credentials', () => {
  let issuer: TestIssuer;
  let api: ResourceServer;
  let token: string;
  beforeAll(async () => {
    issuer = await startIssuer();
    api = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE });
    token = await accessToken(issuer);
  });
  afterAll(() => issuer.close());

  it('that are missing are asked for, without an error (RFC 6750 3.1)', async () => {
    const attempts: Record<string, string>[] = [{}, { authorization: '' }, { authorization: `Basic ${token}` }];
    for (const headers of attempts) {
      const refusal = await refusalOf(call(api, headers));
      expect(refusal).toMatchObject({ status: 401, code: 'unauthorized', headers: { 'WWW-Authenticate': 'Bearer' } });
    }
  });

  it('stand in the header alone: not in the address, not in a cookie', async () => {
    for (const [headers, url] of [
      [{}, `/posts?access_token=${token}`],
      [{ cookie: `access_token=${token}` }, '/posts'],
      [{ 'x-access-token': token, access_token: token, 'proxy-authorization': `Bearer ${token}` }, '/posts'],
    ] as [Record<string, string>, string][]) {
      expect(await outcome(call(api, headers, url))).toBe('401 unauthorized');
    }
  });

  it('come once', async () => {
    const other = await accessToken(issuer, { sub: 'acc_2' });
    const [one, two] = [`Bearer ${token}`, `Bearer ${other}`];
    for (const authorization of [[one, two], [one, one], `${one}, ${two}`, `${one},${two}`]) {
      expect(await outcome(call(api, { authorization }))).toBe('400 invalid_request');
    }
    const joined = new Headers([
      ['authorization', one],
      ['authorization', two],
    ]);
    expect(await outcome(api.verify({ method: 'GET', url: '/', headers: joined }))).toBe('400 invalid_request');
  });

  it('are a token as RFC 6750 2.1 writes one, and not longer than any is', async () => {
    for (const said of ['', ' ', '=', 'a b', 'a\tb', 'ä', `${token}\n`, 'a'.repeat(17_000), '"a"', `${token};`]) {
      expect(await outcome(call(api, { authorization: `Bearer ${said}` })), said.slice(0, 10)).toBe(
        '400 invalid_request',
      );
    }
    const long = await accessToken(issuer, { roles: Array.from({ length: 2_000 }, (_, count) => `role-${count}`) });
    expect(await outcome(call(api, bearer(long)))).toBe('400 invalid_request');
  });

  it.each(['bearer', 'BEARER', 'Bearer'])('may be announced as %s', async (scheme) => {
    expect(await outcome(call(api, { authorization: `${scheme} ${token}` }))).toBe('passes');
  });

  it('are found in Headers too', async () => {
    const headers = new Headers({ Authorization: `Bearer ${token}` });
    expect(await outcome(api.verify({ method: 'GET', url: 'https://api.example/posts', headers }))).toBe('passes');
  });

  it('that are refused are told to the log, with the reason that the caller does not learn', async () => {
    const told: [string, unknown, string][] = [];
    const logging = createResourceServer({
      ...{ issuer: issuer.issuer, audience: AUDIENCE },
      refused: ({ code, cause }, { url }) => void told.push([code, (cause as Error | undefined)?.message, url]),
    });
    const refusal = await refusalOf(call(logging, bearer(await accessToken(issuer, { exp: seconds(-10) }))));
    await outcome(call(logging, {}));
    await call(logging, bearer(token));
    expect(told).toEqual([
      ['invalid_token', '"exp" claim timestamp check failed', '/posts'],
      ['unauthorized', undefined, '/posts'],
    ]);
    expect(JSON.stringify([refusal?.body, refusal?.headers])).not.toContain('timestamp');
  });

  it('of any other shape are refused, and never a fault', async () => {
    const guarded = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, dpop: true, metadata: true });
    const word = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom(token, '.', '..', 'e30', 'Bearer', 'DPoP'));
    const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
    const scheme = fc.constantFrom('Bearer ', 'DPoP ', 'bearer', '');
    const authorization = fc.tuple(scheme, text).map((parts) => parts.join(''));
    const headers = fc.record({ authorization, dpop: text }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), headers, async (method, url, said) => {
        const found = await outcome(guarded.verify({ method, url, headers: said }));
        expect(found === 'passes' ? said.authorization : found).toMatch(/^(40[01] |bearer ?e)/i);
      }),
      { numRuns: 300 },
    );
  });
});
