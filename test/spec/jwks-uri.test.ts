import * as oauth from 'oauth4webapi';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MINUTE } from '../../src/lib/duration.ts';
import { assertionClaims, type ClientKeys, clientKeys } from '../support/client-keys.ts';
import { type Answer, post } from '../support/endpoint.ts';
import { type KeyServer, startKeyServer } from '../support/key-server.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { racers } from '../support/stores.ts';
import { turnClocks } from '../support/time.ts';

const OK = { status: 200, body: { access_token: expect.any(String) } };
const REFUSED = { status: 401, body: { error: 'invalid_client' } };
const SECRET = 'what-is-said-inside-of-a-network';

let server: TestServer;
let keys: ClientKeys;
let keyServer: KeyServer;
beforeAll(async () => {
  server = await startTestServer({
    ...{ LIMIT_ADDRESS_REQUESTS: '10000', LIMIT_CLIENT_REQUESTS: '10000', LIMIT_CLIENT_FAILURES: '10000' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  keys = await clientKeys();
  keyServer = await startKeyServer(keys.jwks);
});
afterEach(async () => {
  vi.useRealTimers();
  await keyServer[Symbol.asyncDispose]();
});

const byAddress = (jwksUri = keyServer.uri) => server.addClient('service', { authMethod: 'private_key_jwt', jwksUri });

async function askWith({ id }: TestClient, by: ClientKeys, kid = by.kid): Promise<Answer> {
  return post(server, '/oauth2/token', {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await by.sign(assertionClaims(id, server.issuer), { kid } as object),
  });
}

const warnings = () => server.logged.filter((line) => line.includes('keys of a client cannot be fetched'));

describe('private_key_jwt with keys at an address', () => {
  it.each(['RS256', 'PS256', 'ES256', 'Ed25519'] as const)('opens with %s, by a library of others', async (alg) => {
    keys = await clientKeys(alg);
    keyServer.publish(keys.jwks);
    const client = await byAddress();
    const insecure = { [oauth.allowInsecureRequests]: true } as const;
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const proof = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: keys.kid });
    for (let turn = 0; turn < 3; turn += 1) {
      const asked = await oauth.clientCredentialsGrantRequest(as, { client_id: client.id }, proof, {}, insecure);
      const answer = await oauth.processClientCredentialsResponse(as, { client_id: client.id }, asked);
      expect(answer.access_token).toEqual(expect.any(String));
    }
    expect(keyServer.asked).toBe(1);
  });

  it('follows the client to a new key, and leaves the old one behind, whatever its server says of caching', async () => {
    keyServer.answer.headers = {
      'cache-control': 'public, max-age=31536000',
      expires: 'Fri, 31 Dec 2100 23:59:59 GMT',
    };
    const client = await byAddress();
    expect(await askWith(client, keys)).toMatchObject(OK);
    const next = await clientKeys();
    keyServer.answer.body = JSON.stringify({ keys: next.jwks.keys });
    turnClocks(MINUTE + 30);
    expect(await askWith(client, next)).toMatchObject(OK);
    expect(await askWith(client, keys)).toMatchObject(REFUSED);
  });

  it('does not trust a key that was taken back for longer than five minutes, though no other is used', async () => {
    const client = await byAddress();
    expect(await askWith(client, keys)).toMatchObject(OK);
    keyServer.publish((await clientKeys()).jwks);
    turnClocks(5 * MINUTE + 1);
    expect(await askWith(client, keys)).toMatchObject(REFUSED);
  });

  it('asks the client’s server a few times at most, however many keys are made up', async () => {
    const client = await byAddress();
    expect(await askWith(client, keys)).toMatchObject(OK);
    const stranger = await clientKeys();
    turnClocks(2 * MINUTE);
    const answers = await racers(50, (index) => askWith(client, stranger, `made-up-${index}`));
    for (const answer of answers) expect(answer).toMatchObject(REFUSED);
    expect(keyServer.asked).toBeLessThanOrEqual(3);
    expect(await askWith(client, keys)).toMatchObject(OK);
  });
});

describe('a client’s server that is of no use', () => {
  const broken: [string, Partial<KeyServer['answer']>][] = [
    ['has an error', { status: 500 }],
    ['leads elsewhere', { status: 302, headers: { location: '/jwks.json' } }],
    ['answers a page', { body: `<html>${SECRET}</html>` }],
    ['answers no keys', { body: `{"keys":[],"note":"${SECRET}"}` }],
    ['answers null', { body: 'null' }],
    ['answers a secret', { body: `{"keys":[{"kty":"oct","k":"${SECRET}"}]}` }],
    ['answers too much', { body: `{"keys":[{}],"more":"${'x'.repeat(70_000)}"}` }],
  ];

  it.each(broken)('(%s) has its client refused, with one line in the log', async (_name, answer) => {
    Object.assign(keyServer.answer, answer);
    const client = await byAddress();
    const before = warnings().length;
    const answers = await racers(5, () => askWith(client, keys));
    answers.push(await askWith(client, keys));
    for (const answer of answers) {
      expect(answer).toMatchObject(REFUSED);
      expect(JSON.stringify(answer.body)).not.toContain(SECRET);
    }
    expect(keyServer.asked).toBe(1);
    expect(warnings().length - before).toBe(1);
    expect(warnings().at(-1)).toContain(new URL(keyServer.uri).origin);
    expect(server.logged.join('')).not.toContain(SECRET.slice(0, 6));
    keyServer.publish(keys.jwks);
    turnClocks(2 * MINUTE);
    expect(await askWith(client, keys)).toMatchObject(OK);
  });

  it('is not waited for longer than five seconds, by all together', async () => {
    keyServer.silent = true;
    const client = await byAddress();
    const startedAt = performance.now();
    const answers = await racers(5, () => askWith(client, keys));
    expect(performance.now() - startedAt).toBeLessThan(9_000);
    for (const answer of answers) expect(answer).toMatchObject(REFUSED);
    expect(keyServer.asked).toBe(1);
  });

  it('and an address in a private network are the same to whoever asks (safety rule 33)', async () => {
    for (const address of ['10.0.0.1', '169.254.169.254', '192.168.0.1', '[fd00::1]', '[::ffff:10.0.0.1]']) {
      const client = await byAddress(`http://${address}:${new URL(keyServer.uri).port}/jwks.json`);
      expect(await askWith(client, keys), address).toMatchObject(REFUSED);
      expect(warnings().at(-1), address).toContain('ALLOWED_PRIVATE_NETWORKS');
    }
    expect(keyServer.asked).toBe(0);
  });
});
