import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceServer, type ResourceServerOptions } from 'gatewright-resource-server';
import { exportJWK, generateKeyPair, generateSecret } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, call, outcome, REFUSED, refusalOf } from './call.ts';
import { AUDIENCE, accessToken, newKey, startIssuer, type TestIssuer } from './issuer.ts';

/*
 * The attacker sends tokens with made-up key ids by the thousand, so that each asks the issuer; or stands where the
 * issuer's metadata comes from, and answers with a redirect, another issuer, too much, or never.
 */

const AWAY = '503 temporarily_unavailable';

let issuer: TestIssuer;
let reports: Error[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  reports = [];
  issuer = await startIssuer();
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.close();
});

const newApi = (options: Partial<ResourceServerOptions> = {}) =>
  createResourceServer({
    ...{ issuer: issuer.issuer, audience: AUDIENCE, report: (problem) => void reports.push(problem) },
    ...options,
  });
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const fetchesOf = (path: string) => issuer.asked.filter((each) => each === path).length;
const goAway = () => {
  for (const path of issuer.answers.keys()) issuer.answers.set(path, (_req, res) => void res.writeHead(500).end());
};

describe('the keys of the issuer', () => {
  it('are fetched once, however many ask at the same time', async () => {
    const api = newApi();
    const token = await accessToken(issuer);
    expect(issuer.asked).toEqual([]);
    const calls = await Promise.all(Array.from({ length: 50 }, () => outcome(call(api, bearer(token)))));
    expect(new Set(calls)).toEqual(new Set(['passes']));
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  it('are not fetched for each of a flood of unknown key ids', async () => {
    const api = newApi();
    const foreign = await newKey('x');
    const flood = async (from: number) => {
      for (let count = from; count < from + 40; count += 1) {
        const token = await accessToken({ issuer: issuer.issuer, key: { ...foreign, kid: `made-up-${count}` } });
        expect(await outcome(call(api, bearer(token)))).toBe(REFUSED);
      }
    };
    await flood(0);
    expect(fetchesOf('/jwks')).toBe(2);
    pass(5);
    await flood(40);
    expect(fetchesOf('/jwks')).toBe(3);
    expect(await outcome(call(api, bearer(await accessToken(issuer))))).toBe('passes');
  });

  it('rotate under load without a failure, at once too', async () => {
    const api = newApi();
    const second = { issuer: issuer.issuer, key: await newKey('second') };
    const [old, fresh] = [await accessToken(issuer), await accessToken(second)];
    await call(api, bearer(old));
    issuer.published = [second.key.jwk, issuer.key.jwk];
    const calls = await Promise.all(
      Array.from({ length: 200 }, (_, count) => outcome(call(api, bearer(count % 2 ? old : fresh)))),
    );
    expect(calls.filter((each) => each !== 'passes')).toEqual([]);
    expect(fetchesOf('/jwks')).toBe(2);
  });

  it('that were withdrawn are trusted for ten minutes at most', async () => {
    const api = newApi();
    const second = { issuer: issuer.issuer, key: await newKey('second') };
    const claims = { exp: Math.floor(Date.now() / 1000) + 86_400 };
    const [old, fresh] = [await accessToken(issuer, claims), await accessToken(second, claims)];
    await call(api, bearer(old));
    issuer.published = [second.key.jwk];
    pass(299);
    expect(await outcome(call(api, bearer(old)))).toBe('passes');
    expect(fetchesOf('/jwks')).toBe(1);
    // From now on they are looked at while known ones are used, and after ten minutes before: nobody may have called.
    pass(1);
    expect(await outcome(call(api, bearer(old)))).toBe('passes');
    await vi.waitFor(async () => expect(await outcome(call(api, bearer(old)))).toBe(REFUSED));
    expect(await outcome(call(api, bearer(fresh)))).toBe('passes');
    issuer.published = [issuer.key.jwk];
    pass(600);
    expect(await outcome(call(api, bearer(fresh)))).toBe(REFUSED);
  });

  it('are not waited for by every request while the issuer says nothing', async () => {
    const api = newApi();
    const token = await accessToken(issuer, { exp: Math.floor(Date.now() / 1000) + 86_400 });
    await call(api, bearer(token));
    goAway();
    pass(601);
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
    expect(reports.length).toBeGreaterThan(0);
    const asked = Promise.withResolvers<void>();
    issuer.answers.set('/jwks', () => asked.resolve());
    issuer.answers.set('/.well-known/openid-configuration', () => asked.resolve());
    pass(2);
    const before = reports.length;
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
    // Whoever waits does so until the silence is reported.
    expect(reports).toHaveLength(before);
    await asked.promise;
  });

  it('go on being used while the issuer is away, but not for ever', async () => {
    const api = newApi({ keepKeysFor: 3_600 });
    const token = await accessToken(issuer, { exp: Math.floor(Date.now() / 1000) + 86_400 });
    await call(api, bearer(token));
    goAway();
    pass(601);
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
    await vi.waitFor(() => expect(reports.length).toBeGreaterThan(0));
    pass(3_500);
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
    pass(101);
    expect(await outcome(call(api, bearer(token)))).toBe(AWAY);
  });

  it('that are looked for while the issuer is away are no reason to refuse for good', async () => {
    const api = newApi();
    await call(api, bearer(await accessToken(issuer)));
    goAway();
    const token = await accessToken({ issuer: issuer.issuer, key: await newKey('second') });
    expect(await outcome(call(api, bearer(token)))).toBe(AWAY);
    expect(await outcome(call(api, bearer(await accessToken(issuer))))).toBe('passes');
  });

  it('are asked for again a second after a failure, and not by every request', async () => {
    const token = await accessToken(issuer);
    const api = newApi();
    const [found] = [issuer.answers.get('/jwks')];
    issuer.answers.set('/jwks', (_req, res) => void res.writeHead(502).end());
    for (let count = 0; count < 10; count += 1) expect(await outcome(call(api, bearer(token)))).toBe(AWAY);
    expect(fetchesOf('/jwks')).toBe(1);
    expect(reports.map(({ message }) => message)).toEqual([`${issuer.issuer}/jwks answered 502`]);
    if (found) issuer.answers.set('/jwks', found);
    pass(1);
    expect(await outcome(call(api, bearer(token)))).toBe('passes');
  });
});

describe('a key set', () => {
  it('may contain what is no use here', async () => {
    const rsa = await generateKeyPair('RS256', { extractable: true });
    const secret = await generateSecret('HS256', { extractable: true });
    const ownPrivate = { ...(await exportJWK(rsa.privateKey)), kid: 'first', alg: 'RS256' };
    issuer.published = [
      ...[null, 7, 'key', [], {}, { kty: 'RSA' }, { kty: 'future', kid: 'first' }, { kty: 'RSA', kid: 7, n: 1, e: 2 }],
      ...[{ ...(await exportJWK(secret)), kid: 'first' }, ownPrivate, { ...issuer.key.jwk, use: 'enc' }],
      ...[(await newKey('ec', 'ES256')).jwk, { ...(await newKey('ec', 'ES256')).jwk, kid: 'first' }, issuer.key.jwk],
    ];
    const api = newApi();
    expect(await outcome(call(api, bearer(await accessToken(issuer))))).toBe('passes');
    // Whoever publishes a private key has everybody sign with it.
    const stolen = { issuer: issuer.issuer, key: { ...issuer.key, privateKey: rsa.privateKey } };
    expect(await outcome(call(api, bearer(await accessToken(stolen))))).toBe(REFUSED);
  });

  it('may contain two keys under one id, and tokens may name none', async () => {
    const twin = await newKey('first');
    issuer.published = [twin.jwk, issuer.key.jwk];
    const api = newApi();
    for (const key of [issuer.key, twin]) {
      expect(await outcome(call(api, bearer(await accessToken({ issuer: issuer.issuer, key }))))).toBe('passes');
      const nameless = await accessToken({ issuer: issuer.issuer, key }, {}, { kid: undefined });
      expect(await outcome(call(api, bearer(nameless)))).toBe('passes');
      const expired = await accessToken({ issuer: issuer.issuer, key }, { exp: 1 });
      const refusal = await refusalOf(call(api, bearer(expired)));
      expect(refusal).toMatchObject({ status: 401, cause: { message: '"exp" claim timestamp check failed' } });
    }
    const foreign = { issuer: issuer.issuer, key: await newKey('first') };
    expect(await outcome(call(api, bearer(await accessToken(foreign))))).toBe(REFUSED);
  });

  it('has us try few of its keys with one token', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, () => newKey('first')));
    issuer.published = [...many.map(({ jwk }) => jwk), issuer.key.jwk];
    expect(await outcome(call(newApi(), bearer(await accessToken(issuer))))).toBe(REFUSED);
  });

  it('has no key that is too short (RFC 7518 3.3)', async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    );
    const { n, e } = await exportJWK(publicKey);
    issuer.published = [{ ...issuer.key.jwk, n, e }];
    const [header, payload] = (await accessToken(issuer)).split('.');
    const input = new TextEncoder().encode(`${header}.${payload}`);
    const signature = Buffer.from(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, input));
    const token = `${header}.${payload}.${signature.toString('base64url')}`;
    expect(await outcome(call(newApi(), bearer(token)))).toBe(REFUSED);
  });
});

describe('the metadata of the issuer', () => {
  it('is found where RFC 8414 puts it, if OpenID has none', async () => {
    for (const path of ['', '/tenant']) {
      const other = await startIssuer({ path });
      const openid = `${path}/.well-known/openid-configuration`;
      const found = other.answers.get(openid);
      other.answers.delete(openid);
      if (found) other.answers.set(`/.well-known/oauth-authorization-server${path}`, found);
      const token = await accessToken(other);
      expect(await outcome(call(newApi({ issuer: other.issuer }), bearer(token)))).toBe('passes');
      await other.close();
    }
  });

  it('is not needed where the keys are given', async () => {
    const api = newApi({ jwksUri: `${issuer.issuer}/jwks` });
    expect(await outcome(call(api, bearer(await accessToken(issuer))))).toBe('passes');
    expect(issuer.asked).toEqual(['/jwks']);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another issuer', { issuer: 'https://evil.example' }],
    ['an issuer with a slash more', { issuer: 'ISSUER/' }],
    ['no issuer', { issuer: undefined }],
    ['keys that travel in the clear', { jwks_uri: 'http://id.example.org/jwks' }],
    ['keys in a file', { jwks_uri: 'file:///etc/keys' }],
    ['no keys', { jwks_uri: undefined }],
  ])('is not believed with %s', async (_what, changes) => {
    const said = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks`, ...changes };
    if (said.issuer === 'ISSUER/') said.issuer = `${issuer.issuer}/`;
    issuer.answers.set('/.well-known/openid-configuration', (_req, res) => void res.end(JSON.stringify(said)));
    const fetched: string[] = [];
    const watched: typeof fetch = (input, init) => {
      fetched.push(new URL(String(input)).pathname);
      return fetch(input, init);
    };
    expect(await outcome(call(newApi({ fetch: watched }), bearer(await accessToken(issuer))))).toBe(AWAY);
    expect(fetched).toEqual(['/.well-known/openid-configuration']);
  });
});

describe('an answer of the issuer', () => {
  it('is not looked for elsewhere', async () => {
    const elsewhere = http.createServer((_req, res) => void res.end(JSON.stringify({ keys: issuer.published })));
    await new Promise<void>((resolve) => {
      elsewhere.listen(0, '127.0.0.1', resolve);
    });
    const { port } = elsewhere.address() as AddressInfo;
    for (const status of [301, 302, 303, 307, 308]) {
      issuer.answers.set('/jwks', (_req, res) => {
        res.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end();
      });
      expect(await outcome(call(newApi(), bearer(await accessToken(issuer))))).toBe(AWAY);
    }
    await new Promise((resolve) => {
      elsewhere.close(resolve);
      elsewhere.closeAllConnections();
    });
  });

  it.each(['', 'null', '[]', '7', '{', '{}', '{"keys":{}}', '<html>'])('that reads %s is none', async (text) => {
    issuer.answers.set('/jwks', (_req, res) => void res.end(text));
    expect(await outcome(call(newApi(), bearer(await accessToken(issuer))))).toBe(AWAY);
  });

  it('is not read to an end that does not come', async () => {
    let isOpen = true;
    issuer.answers.set('/jwks', (_req, res) => {
      const more = () => void (isOpen && res.write(' '.repeat(65_536), more));
      res.on('close', () => {
        isOpen = false;
      });
      more();
    });
    expect(await outcome(call(newApi(), bearer(await accessToken(issuer))))).toBe(AWAY);
    expect(reports[0]?.message).toContain('answered more than 262144 bytes');
    await vi.waitFor(() => expect(isOpen).toBe(false));
  });

  it('is waited for five seconds', async () => {
    issuer.answers.set('/jwks', () => {});
    const startedAt = performance.now();
    expect(await outcome(call(newApi(), bearer(await accessToken(issuer))))).toBe(AWAY);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });
});
