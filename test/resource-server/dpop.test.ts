import {
  createMemoryReplayStore,
  createResourceServer,
  type ResourceServer,
  type ResourceServerOptions,
} from 'gatewright-resource-server';
import { exportJWK, generateSecret, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bearer, call, outcome, REFUSED, refusalOf } from './call.ts';
import { type DpopClient, newDpopClient, type ProofChanges } from './dpop-client.ts';
import { AUDIENCE, accessToken, seconds, startIssuer, type TestIssuer } from './issuer.ts';

/*
 * The attacker has a bound token, from a log, a browser's memory or another API, and perhaps a proof that was used for
 * something else; or runs an API of his own, and is called with both.
 */

const BAD_PROOF = '401 invalid_dpop_proof';
const SECRET = 'a secret that all instances of this API share';

let issuer: TestIssuer;
let client: DpopClient;
let token: string;
let api: ResourceServer;
beforeAll(async () => {
  issuer = await startIssuer();
  client = await newDpopClient();
  token = await accessToken(issuer, { cnf: client.cnf });
  api = newApi();
});
afterAll(() => issuer.close());

const newApi = (options: Partial<ResourceServerOptions> = {}) =>
  createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE, dpop: true, ...options });
const attempt = async (changes: ProofChanges, at = api) => outcome(call(at, await client.headers(token, changes)));

describe('a bound token (RFC 9449 7.1)', () => {
  it('passes with a proof of its key', async () => {
    expect(await call(api, await client.headers(token))).toMatchObject({ sub: 'acc_1', scheme: 'DPoP' });
  });

  it('is refused as Bearer, with its proof too', async () => {
    const { dpop = '' } = await client.headers(token);
    expect(await outcome(call(api, bearer(token)))).toBe(REFUSED);
    expect(await outcome(call(api, { ...bearer(token), dpop }))).toBe(REFUSED);
  });

  it('is refused with a proof of another key', async () => {
    const thief = await newDpopClient();
    expect(await outcome(call(api, await thief.headers(token)))).toBe(REFUSED);
    // Or with one that names the key, and is signed with another.
    expect(await outcome(call(api, await thief.headers(token, { header: { jwk: client.jwk } })))).toBe(BAD_PROOF);
  });

  it('is refused with no proof, and with two', async () => {
    const [one, two] = [await client.proof(token), await client.proof(token)];
    const attempts: Record<string, string | string[]>[] = [
      {},
      { dpop: '' },
      { dpop: [one, two] },
      { dpop: `${one}, ${two}` },
    ];
    for (const headers of attempts) {
      expect(await outcome(call(api, { authorization: `DPoP ${token}`, ...headers }))).toBe(BAD_PROOF);
    }
  });

  it('is refused where proofs are not checked', async () => {
    const plain = createResourceServer({ issuer: issuer.issuer, audience: AUDIENCE });
    expect(await outcome(call(plain, await client.headers(token)))).toBe(REFUSED);
    expect(await outcome(call(plain, bearer(token)))).toBe(REFUSED);
  });

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['null', null],
    ['a number', { jkt: 7 }],
    ['an empty thumbprint', { jkt: '' }],
    ['a whole key', { jwk: { kty: 'EC' } }],
    ['a key id', { kid: 'x' }],
  ])('that is bound to %s is refused', async (_what, cnf) => {
    const odd = await accessToken(issuer, { cnf });
    expect(await outcome(call(api, bearer(odd)))).toBe(REFUSED);
    expect(await outcome(call(api, await client.headers(odd)))).toBe(REFUSED);
  });

  it('that is bound in another way as well is refused', async () => {
    const odd = await accessToken(issuer, { cnf: { ...client.cnf, kid: 'x' } });
    expect(await outcome(call(api, await client.headers(odd)))).toBe(REFUSED);
  });
});

describe('an unbound token', () => {
  it('is refused as DPoP, and passes as Bearer', async () => {
    const unbound = await accessToken(issuer);
    expect(await outcome(call(api, await client.headers(unbound)))).toBe(REFUSED);
    expect(await outcome(call(api, bearer(unbound)))).toBe('passes');
  });

  it('is refused where only bound ones are taken', async () => {
    const strict = newApi({ requireSenderConstrained: true });
    const refusal = await refusalOf(call(strict, bearer(await accessToken(issuer))));
    expect(refusal).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(refusal?.headers['WWW-Authenticate']).toMatch(/^DPoP error="invalid_token", .*algs="ES256 EdDSA Ed25519"$/);
    expect(await outcome(call(strict, await client.headers(token)))).toBe('passes');
  });
});

describe('a proof (RFC 9449 4.3)', () => {
  it('is used once, also by many at the same time', async () => {
    const headers = await client.headers(token);
    const calls = await Promise.all(Array.from({ length: 20 }, () => outcome(call(api, headers))));
    expect(calls.filter((each) => each === 'passes')).toHaveLength(1);
    expect(new Set(calls)).toEqual(new Set(['passes', BAD_PROOF]));
  });

  it.each<[string, ProofChanges]>([
    ['another method', { claims: { htm: 'POST' } }],
    ['the method in other letters', { claims: { htm: 'get' } }],
    ['no method', { claims: { htm: undefined } }],
    ['another path', { claims: { htu: 'https://api.example/comments' } }],
    ['a longer path', { claims: { htu: 'https://api.example/posts/1' } }],
    ['a slash more', { claims: { htu: 'https://api.example/posts/' } }],
    ['another host', { claims: { htu: 'https://evil.example/posts' } }],
    ['another port', { claims: { htu: 'https://api.example:8443/posts' } }],
    ['another scheme', { claims: { htu: 'http://api.example/posts' } }],
    ['a user name', { claims: { htu: 'https://me@api.example/posts' } }],
    ['a path alone', { claims: { htu: '/posts' } }],
    ['no address', { claims: { htu: undefined } }],
    ['addresses in a list', { claims: { htu: ['https://api.example/posts'] } }],
    ['another token', { claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } }],
    ['no token', { claims: { ath: undefined } }],
    ['no id', { claims: { jti: undefined } }],
    ['an empty id', { claims: { jti: '' } }],
    ['an id that is no string', { claims: { jti: 7 } }],
    ['an endless id', { claims: { jti: 'x'.repeat(257) } }],
    ['no time', { claims: { iat: undefined } }],
    ['a time that is no number', { claims: { iat: 'now' } }],
    ['an old time', { claims: { iat: seconds(-70) } }],
    ['a time to come', { claims: { iat: seconds(20) } }],
    ['an end that is over', { claims: { exp: seconds(-20) } }],
    ['no type', { header: { typ: undefined } }],
    ['the type of an access token', { header: { typ: 'at+jwt' } }],
    ['the type JWT', { header: { typ: 'JWT' } }],
    ['no key', { header: { jwk: undefined } }],
    ['something else than a key', { header: { jwk: 'x' } }],
    ['more than fits', { claims: { more: 'x'.repeat(5_000) } }],
  ])('with %s is refused', async (_what, changes) => expect(await attempt(changes)).toBe(BAD_PROOF));

  it.each([
    'https://API.example:443/posts',
    'https://api.example/posts?a=1#b',
    'HTTPS://api.example/%70osts',
    'https://api.example/a/../posts',
  ])('for %s is for this address (RFC 3986 6.2)', async (htu) =>
    expect(await attempt({ claims: { htu } })).toBe('passes'),
  );

  it('is compared with the configured address, whatever the request says its host is', async () => {
    const stolen = { claims: { htu: 'https://evil.example/posts' } };
    for (const url of [
      'https://evil.example/posts',
      '//evil.example/posts',
      'https://evil.example:443/posts?x',
      '*',
      '',
    ]) {
      const headers = {
        ...(await client.headers(token, stolen)),
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
      };
      expect(await outcome(call(api, headers, url))).toBe(BAD_PROOF);
    }
    expect(await outcome(call(api, await client.headers(token), 'http://10.0.0.1:8080/posts?page=2'))).toBe('passes');
  });

  it('is compared with the public address where that has a path', async () => {
    const behind = newApi({ publicUrl: 'https://example.org/api/' });
    const htu = 'https://example.org/api/posts';
    expect(await attempt({ claims: { htu } }, behind)).toBe('passes');
    expect(await attempt({}, behind)).toBe(BAD_PROOF);
  });

  it('is signed with one of the algorithms that are taken, by the key that it names', async () => {
    const rsa = await newDpopClient('RS256');
    const bound = await accessToken(issuer, { cnf: rsa.cnf });
    expect(await outcome(call(api, await rsa.headers(bound)))).toBe(BAD_PROOF);
    expect(await outcome(call(newApi({ dpop: { algorithms: ['RS256'] } }), await rsa.headers(bound)))).toBe('passes');
    const [, payload] = (await client.proof(token)).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: client.jwk })).toString('base64url');
    expect(await outcome(call(api, { authorization: `DPoP ${token}`, dpop: `${header}.${payload}.` }))).toBe(BAD_PROOF);
    expect(() => newApi({ dpop: { algorithms: ['HS256'] } })).toThrow('dpop.algorithms: HS256 is not one of');
  });

  it('names no private and no symmetric key', async () => {
    const whole = await exportJWK(client.privateKey);
    expect(await attempt({ header: { jwk: whole } })).toBe(BAD_PROOF);
    const secret = await generateSecret('HS256', { extractable: true });
    const jwk = await exportJWK(secret);
    const { calculateJwkThumbprint } = await import('jose');
    const bound = await accessToken(issuer, { cnf: { jkt: await calculateJwkThumbprint(jwk) } });
    const dpop = await new SignJWT({ jti: 'x', htm: 'GET', htu: 'https://api.example/posts', iat: seconds() })
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk })
      .sign(secret);
    expect(await outcome(call(api, { authorization: `DPoP ${bound}`, dpop }))).toBe(BAD_PROOF);
  });
});

describe('used proofs', () => {
  it('are remembered together by instances that share a store', async () => {
    const replays = createMemoryReplayStore();
    const [one, two] = [newApi({ dpop: { replays } }), newApi({ dpop: { replays } })];
    const headers = await client.headers(token);
    expect(await outcome(call(one, headers))).toBe('passes');
    expect(await outcome(call(two, headers))).toBe(BAD_PROOF);
  });

  it('are those of one key: nobody uses up the id of another', async () => {
    const other = await newDpopClient();
    const bound = await accessToken(issuer, { cnf: other.cnf });
    const claims = { jti: 'the-same' };
    expect(await outcome(call(api, await client.headers(token, { claims })))).toBe('passes');
    expect(await outcome(call(api, await other.headers(bound, { claims })))).toBe('passes');
  });

  it('take no room where the proof was bad', async () => {
    const firstUse = vi.fn(() => true);
    const at = newApi({ dpop: { replays: { firstUse } } });
    await attempt({ claims: { htm: 'POST' } }, at);
    await outcome(call(at, await (await newDpopClient()).headers(token)));
    expect(firstUse).not.toHaveBeenCalled();
  });

  it.each<[string, () => boolean | Promise<boolean>, string]>([
    [
      'throws',
      () => {
        throw new Error('away');
      },
      '503 temporarily_unavailable',
    ],
    ['rejects', () => Promise.reject(new Error('away')), '503 temporarily_unavailable'],
    ['says nothing', () => undefined as unknown as boolean, BAD_PROOF],
  ])('nobody passes where the store %s', async (_how, firstUse, expected) => {
    expect(await attempt({}, newApi({ dpop: { replays: { firstUse } } }))).toBe(expected);
  });

  it('are not forgotten to make room, and are once nobody can use them again', async () => {
    const store = createMemoryReplayStore(2);
    vi.useFakeTimers({ toFake: ['Date'] });
    const soon = Date.now() + 1_000;
    expect([store.firstUse('a', soon), store.firstUse('b', soon), store.firstUse('a', soon)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(() => store.firstUse('c', soon)).toThrow('no more can be remembered');
    vi.setSystemTime(soon);
    expect([store.firstUse('c', soon + 1_000), store.firstUse('a', soon + 1_000)]).toEqual([true, true]);
    vi.useRealTimers();
  });

  it('are remembered for as long as a proof can be used', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const early = await client.headers(token, { claims: { iat: seconds(5) } });
    expect(await outcome(call(api, early))).toBe('passes');
    for (const later of [30, 30, 8, 2, 5, 5]) {
      vi.setSystemTime(Date.now() + later * 1000);
      expect(await outcome(call(api, early))).toBe(BAD_PROOF);
    }
    vi.useRealTimers();
  });
});

describe('a nonce (RFC 9449 9)', () => {
  it('is handed out, demanded, and shared by instances', async () => {
    const [one, two] = [newApi({ dpop: { nonceSecret: SECRET } }), newApi({ dpop: { nonceSecret: SECRET } })];
    for (const claims of [{}, { nonce: 'made up' }, { nonce: 7 }, { nonce: null }]) {
      const refusal = await refusalOf(call(one, await client.headers(token, { claims })));
      expect(refusal).toMatchObject({ status: 401, code: 'use_dpop_nonce' });
      expect(refusal?.headers['WWW-Authenticate']).toContain('DPoP error="use_dpop_nonce"');
      expect(refusal?.headers['DPoP-Nonce']).toMatch(/^[\w-]{43}$/);
    }
    const refusal = await refusalOf(call(one, await client.headers(token)));
    const nonce = refusal?.headers['DPoP-Nonce'];
    const caller = await call(two, await client.headers(token, { claims: { nonce } }));
    expect(two.answerHeaders(caller)).toEqual({ 'DPoP-Nonce': nonce });
  });

  it('is good for five minutes at least, and ten at most', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const at = newApi({ dpop: { nonceSecret: SECRET } });
    const long = await accessToken(issuer, { cnf: client.cnf, exp: seconds(3_600) });
    const nonce = (await refusalOf(call(at, await client.headers(long))))?.headers['DPoP-Nonce'];
    const use = async () => outcome(call(at, await client.headers(long, { claims: { nonce } })));
    vi.setSystemTime(Date.now() + 300_000);
    expect(await use()).toBe('passes');
    vi.setSystemTime(Date.now() + 300_000);
    expect(await use()).toBe('401 use_dpop_nonce');
    vi.useRealTimers();
  });

  it('of another API or another secret is none', async () => {
    const nonceOf = async (options: Partial<ResourceServerOptions>) => {
      const at = newApi(options);
      const own = await accessToken(issuer, { cnf: client.cnf, aud: options.audience ?? AUDIENCE });
      return (await refusalOf(call(at, await client.headers(own))))?.headers['DPoP-Nonce'];
    };
    const foreign = [
      await nonceOf({ audience: 'https://other.example', publicUrl: AUDIENCE, dpop: { nonceSecret: SECRET } }),
      await nonceOf({ dpop: { nonceSecret: `${SECRET}!` } }),
    ];
    for (const nonce of foreign) {
      expect(nonce).toBeDefined();
      expect(await attempt({ claims: { nonce } }, newApi({ dpop: { nonceSecret: SECRET } }))).toBe(
        '401 use_dpop_nonce',
      );
    }
  });
});

it.each<[Partial<ResourceServerOptions>, string]>([
  [{ audience: 'urn:example:api' }, 'publicUrl must say where this API is called'],
  [{ publicUrl: 'http://api.example' }, 'publicUrl must be https: outside loopback'],
  [{ dpop: { maxAge: 301 } }, 'dpop.maxAge must be 1 to 300 seconds'],
  [{ dpop: { nonceSecret: 'short' } }, 'dpop.nonceSecret must have at least 32 random characters'],
])('options %j: %s', (options, problem) => expect(() => newApi(options)).toThrow(problem));
