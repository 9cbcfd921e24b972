import { createResourceServer, type ResourceServer, type ResourceServerOptions } from 'gatewright-resource-server';
import { base64url, exportSPKI, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, call as callWith, outcome, REFUSED } from './call.ts';
import { AUDIENCE, accessToken, newKey, seconds, startIssuer, type TestIssuer } from './issuer.ts';

/*
 * The attacker has an access token of somebody else's API, an ID token, an expired token, the issuer's public key, or a
 * key of his own, and wants to be somebody at this API.
 */

let issuer: TestIssuer;
let api: ResourceServer;
beforeAll(async () => {
  issuer = await startIssuer();
  api = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE });
});
afterAll(() => issuer.close());

const call = (token: string, at = api) => callWith(at, bearer(token));

describe('an access token (RFC 9068 4)', () => {
  it('tells who calls', async () => {
    expect(await call(await accessToken(issuer))).toMatchObject({
      ...{ sub: 'acc_1', clientId: 'web', permissions: ['posts:read', 'posts:write'], roles: ['editor'] },
      ...{ acr: 'two', amr: ['pwd', 'otp'], authTime: expect.any(Number), scheme: 'Bearer' },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['another issuer', { iss: 'https://other.example' }],
    ['an issuer with a slash more', { iss: 'ISSUER/' }],
    ['another audience', { aud: 'https://other.example' }],
    ['an audience that begins like this', { aud: `${AUDIENCE}.evil.example` }],
    ['several audiences, none of them this', { aud: ['https://other.example', `${AUDIENCE}/`] }],
    ['no audience', { aud: undefined }],
    ['expired', { exp: seconds(-6) }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is no number', { exp: '9999999999' }],
    ['not yet valid', { nbf: seconds(60) }],
    ['issued in the future', { iat: seconds(60) }],
    ['no time of issue', { iat: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is no string', { sub: 7 }],
    ['no client', { client_id: undefined }],
    ['an empty client', { client_id: '' }],
    ['a client that is no string', { client_id: 7 }],
    ['no id', { jti: undefined }],
    ['bound to a key, where nobody checks that', { cnf: { jkt: 'x' } }],
    ['bound in a way nobody knows', { cnf: { kid: 'x' } }],
  ])('is refused with %s', async (_what, changes) => {
    const claims = changes['iss'] === 'ISSUER/' ? { iss: `${issuer.issuer}/` } : changes;
    expect(await outcome(call(await accessToken(issuer, claims)))).toBe(REFUSED);
  });

  it('passes with clocks that differ by less than the tolerance', async () => {
    expect(await outcome(call(await accessToken(issuer, { exp: seconds(-2), nbf: seconds(2), iat: seconds(2) })))).toBe(
      'passes',
    );
  });

  it.each([undefined, 'JWT', 'jwt', 'logout+jwt', 'at', 'at+jwt2', 'application/jwt', 'dpop+jwt'])(
    'is refused with the type %s, as an ID token has it',
    async (typ) => expect(await outcome(call(await accessToken(issuer, {}, { typ })))).toBe(REFUSED),
  );

  it.each(['at+jwt', 'application/at+jwt', 'AT+JWT'])('passes with the type %s', async (typ) =>
    expect(await outcome(call(await accessToken(issuer, {}, { typ })))).toBe('passes'),
  );

  it('takes no critical header that it does not know (RFC 7515 4.1.11)', async () => {
    const [, payload, signature] = (await accessToken(issuer)).split('.');
    const header = base64url.encode(
      JSON.stringify({ alg: 'RS256', kid: 'first', typ: 'at+jwt', crit: ['x'], x: true }),
    );
    expect(await outcome(call(`${header}.${payload}.${signature}`))).toBe(REFUSED);
  });
});

describe('the algorithm', () => {
  it('is not chosen by the token: none', async () => {
    const [, payload] = (await accessToken(issuer)).split('.');
    for (const alg of ['none', 'None', 'NONE', '']) {
      const header = base64url.encode(JSON.stringify({ alg, typ: 'at+jwt' }));
      for (const signature of ['', 'c2ln']) {
        expect(await outcome(call(`${header}.${payload}.${signature}`))).toBe(REFUSED);
      }
    }
  });

  it('is not chosen by the token: HS256 with the public key as its secret', async () => {
    const publicKey = (await importJWK(issuer.key.jwk, 'RS256')) as CryptoKey;
    const pem = await exportSPKI(publicKey);
    const secrets = [pem, pem.trim(), `${pem}\n`, JSON.stringify(issuer.key.jwk), issuer.key.jwk.n ?? ''];
    for (const secret of secrets) {
      const forged = await new SignJWT({ ...JSON.parse(atob((await accessToken(issuer)).split('.')[1] ?? '')) })
        .setProtectedHeader({ alg: 'HS256', kid: 'first', typ: 'at+jwt' })
        .sign(new TextEncoder().encode(secret));
      expect(await outcome(call(forged))).toBe(REFUSED);
    }
  });

  it('is one of those that this API was told to take', async () => {
    const other = { issuer: issuer.issuer, key: await newKey('ec', 'ES256') };
    issuer.published = [issuer.key.jwk, other.key.jwk];
    const fresh = (options: Partial<ResourceServerOptions> = {}) =>
      createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, ...options });
    const token = await accessToken(other);
    expect(await outcome(call(token, fresh()))).toBe(REFUSED);
    expect(await outcome(call(token, fresh({ algorithms: ['ES256'] })))).toBe('passes');
    expect(await outcome(call(await accessToken(issuer), fresh({ algorithms: ['ES256'] })))).toBe(REFUSED);
  });

  it.each([['none'], ['HS256'], ['HS512'], ['RS256', 'HS256'], ['dir'], ['rs256'], ['']])(
    'cannot be configured to be %s',
    (...algorithms) => {
      expect(() => createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, algorithms })).toThrow(
        /^algorithms: .* is not one of RS256/,
      );
    },
  );

  it('cannot be none at all', () => {
    expect(() => createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, algorithms: [] })).toThrow(
      'algorithms must name at least one algorithm',
    );
  });
});

describe('a signature', () => {
  it('of another key under the known id is refused', async () => {
    const forged = await accessToken({ issuer: issuer.issuer, key: await newKey('first') });
    expect(await outcome(call(forged))).toBe(REFUSED);
  });

  it('with a key of its own along is refused', async () => {
    const own = await newKey('own');
    for (const header of [{ jwk: own.jwk }, { jku: `${issuer.issuer}/own` }, { x5u: `${issuer.issuer}/own` }]) {
      expect(await outcome(call(await accessToken({ issuer: issuer.issuer, key: own }, {}, header)))).toBe(REFUSED);
    }
    expect(issuer.asked).not.toContain('/own');
  });

  it('is over what is said: no part can be exchanged', async () => {
    const [header, , signature] = (await accessToken(issuer)).split('.');
    const [, payload] = (await accessToken(issuer, { sub: 'acc_2' })).split('.');
    expect(await outcome(call(`${header}.${payload}.${signature}`))).toBe(REFUSED);
  });

  it.each(['x', 'a.b', 'a.b.c', '..', 'a.b.c.d', 'a.b.c.d.e', 'e30.e30.e30', '~', 'eyJhbGciOiJSUzI1NiJ9..'])(
    'is not found in %s',
    async (token) => expect(await outcome(call(token))).toBe(REFUSED),
  );
});

describe('options', () => {
  it.each<[Partial<ResourceServerOptions>, string]>([
    [{ issuer: 'id.example.org' }, 'issuer must be an absolute URL'],
    [{ issuer: 'http://id.example.org' }, 'issuer must be https: outside loopback'],
    [{ issuer: 'ftp://localhost' }, 'issuer must be https: outside loopback'],
    [{ issuer: 'https://me:secret@id.example.org' }, 'issuer must have no user name, password or fragment'],
    [{ audience: '' }, 'audience must name this API'],
    [{ jwksUri: 'http://id.example.org/jwks' }, 'jwksUri must be https: outside loopback'],
    [{ clockTolerance: 61 }, 'clockTolerance must be 0 to 60 seconds'],
    [{ clockTolerance: Number.NaN }, 'clockTolerance must be 0 to 60 seconds'],
    [{ keepKeysFor: Number.POSITIVE_INFINITY }, 'keepKeysFor must be at most a day, in seconds'],
  ])('%j: %s', (options, problem) => {
    expect(() => createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, ...options })).toThrow(problem);
  });
});
