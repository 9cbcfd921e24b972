import { decodeJwt, exportJWK } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MINUTE } from '../../src/lib/duration.ts';
import { type DpopKey, dpopKey, type ProofOptions } from '../support/dpop.ts';
import { type Answer, basic, post } from '../support/endpoint.ts';
import { send } from '../support/raw.ts';
import { type AddClient, startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';

const AUDIENCE = 'https://api.example';
const BOUND = { status: 200, body: { access_token: expect.any(String), token_type: 'DPoP' } };
const NO_PROOF = { status: 400, body: { error: 'invalid_dpop_proof' } };

let server: TestServer;
let key: DpopKey;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', LIMIT_ADDRESS_REQUESTS: '10000' });
  await server.addClient('resource', { audience: AUDIENCE, scopes: ['read'], id: 'api' });
  key = await dpopKey();
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => void vi.useRealTimers());

const tokenUrl = () => `${server.issuer}/oauth2/token`;
const service = (options: AddClient = {}) =>
  server.addClient('service', { audiences: [AUDIENCE], scopes: ['read'], ...options });

const askWith = (client: TestClient, dpop: string): Promise<Answer> =>
  post(server, '/oauth2/token', { grant_type: 'client_credentials' }, { dpop, ...basic(client) });
const proofWith = (options?: ProofOptions, by = key) => by.proof(tokenUrl(), options);

describe('a proof of possession (RFC 9449 4.3)', () => {
  it.each(['RS256', 'PS256', 'ES256', 'Ed25519'])('by %s binds the token to its key', async (alg) => {
    const by = await dpopKey(alg);
    const answer = await askWith(await service(), await proofWith({}, by));
    expect(answer).toMatchObject(BOUND);
    expect(decodeJwt(answer.body.access_token ?? '')['cnf']).toEqual({ jkt: by.thumbprint });
  });

  it('is refused where anything about it is not right', async () => {
    const client = await service();
    const now = Math.floor(Date.now() / 1000);
    const stranger = await dpopKey();
    const wrong: ProofOptions[] = [
      ...[{ claims: { htm: 'GET' } }, { claims: { htu: `${server.issuer}/oauth2/userinfo` } }, { claims: { htu: 7 } }],
      ...[{ claims: { htu: 'https://evil.example/oauth2/token' } }, { claims: { htu: 'token' } }],
      ...[{ claims: { jti: undefined as never } }, { claims: { jti: '' } }, { claims: { jti: 7 as never } }],
      ...[{ claims: { iat: undefined as never } }, { claims: { iat: 'now' as never } }, { claims: { exp: now - 60 } }],
      ...[{ header: { typ: 'JWT' } }, { header: { typ: undefined } }, { header: { jwk: undefined } }],
      ...[{ header: { jwk: stranger.jwk } }, { header: { jwk: await exportJWK(key.privateKey) } }],
      ...[{ header: { jwk: { kty: 'oct', k: 'AAAA' } } }, { claims: { nonce: 7 } }],
    ];
    for (const options of wrong) {
      expect(await askWith(client, await proofWith(options)), JSON.stringify(options)).toMatchObject(NO_PROOF);
    }
    const good = await proofWith();
    const [header = '', payload = '', signature = ''] = good.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url');
    const hmac = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url');
    const broken = ['x', 'a.b.c', `${none}.${payload}.`, `${hmac}.${payload}.${signature}`, `${header}.${payload}.`];
    for (const proof of [...broken, `${good}, ${good}`]) {
      expect(await askWith(client, proof), proof).toMatchObject(NO_PROOF);
    }
    expect(await askWith(client, good)).toMatchObject(BOUND);
  });

  it('is for the address of this server, whatever a request calls it (safety rule 1)', async () => {
    const client = await service();
    const headers = {
      ...{ 'content-type': 'application/x-www-form-urlencoded', ...basic(client) },
      ...{
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.example;proto=https',
      },
    };
    const ask = async (htu: string, host: string) =>
      send(server, {
        ...{ method: 'POST', target: '/oauth2/token', body: 'grant_type=client_credentials' },
        headers: { ...headers, host, dpop: await key.proof(htu) },
      });
    const own = new URL(server.issuer).host;
    expect((await ask('https://evil.example/oauth2/token', own)).status).toBe(400);
    expect((await ask(tokenUrl(), own)).status).toBe(200);
    expect((await ask('http://evil.example/oauth2/token', 'evil.example')).status).toBe(421);
  });

  it('is good for one use, also where it was dated ahead', async () => {
    const client = await service();
    const once = await proofWith();
    expect(await askWith(client, once)).toMatchObject(BOUND);
    expect(await askWith(client, once)).toMatchObject(NO_PROOF);
    const iat = Math.floor(Date.now() / 1000) + 290;
    const ahead = await proofWith({ claims: { iat } });
    expect(await askWith(client, ahead)).toMatchObject(BOUND);
    turnClocks(7 * MINUTE);
    expect(await askWith(client, ahead)).toMatchObject(NO_PROOF);
  });

  it('of one client does not use up that of another, nor its assertions', async () => {
    const [one, other] = [await service({ id: 'burn' }), await service({ id: 'burner' })];
    // The library puts client and `jti` together without anything in between.
    expect(await askWith(one, await proofWith({ claims: { jti: 'er-1' } }))).toMatchObject(BOUND);
    expect(await askWith(other, await proofWith({ claims: { jti: '-1' } }))).toMatchObject(BOUND);
  });

  it('is refused before or after its time, and then helped on by a nonce', async () => {
    const client = await service();
    const now = Math.floor(Date.now() / 1000);
    for (const iat of [now - 400, now + 400]) {
      const answer = await askWith(client, await proofWith({ claims: { iat } }));
      expect(answer).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
      const nonce = answer.headers.get('dpop-nonce') ?? '';
      expect(await askWith(client, await proofWith({ nonce, claims: { iat } }))).toMatchObject(BOUND);
    }
  });
});

describe('a nonce (RFC 9449 8)', () => {
  it('is offered with every answer, taken while it is fresh, and replaced when it is not ours', async () => {
    const client = await service();
    const nonce = (await askWith(client, await proofWith())).headers.get('dpop-nonce') ?? '';
    expect(nonce).toMatch(/^[\w-]{43}$/);
    const again = await askWith(client, await proofWith({ nonce }));
    expect(again).toMatchObject(BOUND);
    expect(again.headers.get('dpop-nonce')).toBeNull();
    const challenge = { status: 400, body: { error: 'use_dpop_nonce' } };
    expect(await askWith(client, await proofWith({ nonce: 'x'.repeat(43) }))).toMatchObject(challenge);
    turnClocks(10 * MINUTE);
    const late = await askWith(client, await proofWith({ nonce }));
    expect(late).toMatchObject(challenge);
    expect(late.headers.get('dpop-nonce')).not.toBe(nonce);
  });
});
