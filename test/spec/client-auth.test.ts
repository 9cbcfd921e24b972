import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSecretHash, issueClientSecret } from '../../src/clients/secrets.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { assertionClaims, type ClientKeys, clientKeys } from '../support/client-keys.ts';
import { basic, type Parameters, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { type AddClient, startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { slowLooks } from '../support/slow-looks.ts';
import { racers } from '../support/stores.ts';
import { turnClocks } from '../support/time.ts';
import { ask, enter, told, visit } from '../support/visit.ts';

const AUDIENCE = 'https://api.example';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  await server.addClient('resource', { audience: AUDIENCE, scopes: ['read'] });
});
afterAll(() => server[Symbol.asyncDispose]());

const service = (options: AddClient = {}) =>
  server.addClient('service', { audiences: [AUDIENCE], scopes: ['read'], ...options });

const askForToken = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
  post(server, '/oauth2/token', { grant_type: 'client_credentials', ...parameters }, headers);

const ok = { status: 200, body: { access_token: expect.any(String), token_type: 'Bearer' } };
const refused = { status: 401, body: { error: 'invalid_client' } };

describe('a client secret (RFC 6749 2.3.1)', () => {
  it.each(['client_secret_basic', 'client_secret_post'] as const)('opens by %s', async (authMethod) => {
    const { id, secret } = await service({ authMethod });
    const authentication =
      authMethod === 'client_secret_basic' ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret);
    const config = await openid.discovery(new URL(server.issuer), id, undefined, authentication, {
      execute: [openid.allowInsecureRequests],
    });
    expect(await openid.clientCredentialsGrant(config)).toMatchObject({ access_token: expect.any(String) });
  });

  it('that is wrong, empty, absent or of another client is refused', async () => {
    const client = await service();
    const other = await service();
    for (const secret of ['x', ` ${client.secret}`, `${client.secret} `, client.secret.slice(0, -1), other.secret]) {
      expect(await askForToken({}, basic({ id: client.id, secret })), secret).toMatchObject(refused);
      expect(await askForToken({ client_id: client.id, client_secret: secret }), secret).toMatchObject(refused);
    }
    expect(await askForToken({ client_id: client.id })).toMatchObject(refused);
    expect(await askForToken({ client_id: client.id, client_secret: '' })).toMatchObject(refused);
    expect(await askForToken({}, basic({ id: client.id, secret: '' }))).toMatchObject(refused);
    expect((await askForToken({})).status).toBe(400);
  });

  it('is not opened by what is stored', async () => {
    const { id, secret } = await service();
    expect(await askForToken({}, basic({ id, secret: clientSecretHash(secret) }))).toMatchObject(refused);
  });

  it('counts once: two ways at the same time are refused', async () => {
    const client = await service();
    const twice = await askForToken({ client_id: client.id, client_secret: client.secret }, basic(client));
    expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const other = await service();
    const mixed = await askForToken({ client_id: other.id }, basic(client));
    expect(mixed).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('of an unknown or a disabled client is refused alike', async () => {
    const client = await service();
    await server.app.stores.clients.setStatus(client.id, 'disabled', BY_OPERATOR);
    const disabled = await askForToken({}, basic(client));
    const unknown = await askForToken({}, basic({ ...client, id: 'nobody' }));
    const wrong = await askForToken({}, basic({ ...(await service()), secret: 'x' }));
    for (const answer of [disabled, unknown, wrong]) expect(answer).toMatchObject(refused);
    expect(disabled.body).toEqual(unknown.body);
    expect(wrong.body).toEqual(unknown.body);
    expect(unknown.headers.get('www-authenticate')).toContain('Basic');
  });

  it('does not open a client that proves itself by a key, and the key not one with a secret', async () => {
    const keys = await clientKeys();
    const byKey = await service({ authMethod: 'private_key_jwt', jwks: keys.jwks });
    expect(await askForToken({}, basic(byKey))).toMatchObject(refused);
    const bySecret = await service({ jwks: keys.jwks });
    expect(await askForToken(await assertion(bySecret, keys))).toMatchObject(refused);
  });

  it('that cannot be read is the client’s fault, not ours', async () => {
    for (const pair of ['%zz:x', '%zz:', ':', 'x', '', '\u0000:x']) {
      const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      expect((await askForToken({}, { authorization })).status, pair).toBeOneOf([400, 401]);
    }
    for (const authorization of ['Basic', 'Basic ***', 'Bearer x', 'Basic a b']) {
      expect((await askForToken({}, { authorization })).status, authorization).toBe(400);
    }
  });

  it('is live beside its successor until the overlap ends', async () => {
    const client = await service();
    const next = issueClientSecret();
    const oldEndsAt = Date.now() + 60_000;
    await server.app.stores.clients.rotateSecret(
      client.id,
      next.secretHash,
      { oldEndsAt, endsAccess: false },
      BY_OPERATOR,
    );
    const successor = { id: client.id, secret: next.secret };
    expect(await askForToken({}, basic(client))).toMatchObject(ok);
    expect(await askForToken({}, basic(successor))).toMatchObject(ok);
    turnClocks(61);
    expect(await askForToken({}, basic(client))).toMatchObject(refused);
    expect(await askForToken({}, basic(successor))).toMatchObject(ok);
  });

  it('that fell into wrong hands takes with it what was issued', async () => {
    const person = await visit(server);
    const tokens = await enter(person);
    const next = issueClientSecret();
    const options = { oldEndsAt: Date.now(), endsAccess: true };
    await server.app.stores.clients.rotateSecret(person.client.id, next.secretHash, options, BY_OPERATOR);
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    expect(await post(server, '/oauth2/token', refresh, basic(person.client))).toMatchObject(refused);
    const successor = { id: person.client.id, secret: next.secret };
    expect(await post(server, '/oauth2/token', refresh, basic(successor))).toMatchObject({
      ...{ status: 400, body: { error: 'invalid_grant' } },
    });
    const introspection = await post(server, '/oauth2/introspect', { token: tokens.access_token }, basic(successor));
    expect(introspection.body).toEqual({ active: false });
  });
});

async function assertion(
  { id }: Pick<TestClient, 'id'>,
  keys: ClientKeys,
  changes = {},
): Promise<Record<string, string>> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await keys.sign(assertionClaims(id, server.issuer, changes)),
  };
}

describe('private_key_jwt (RFC 7523)', () => {
  async function keyed(alg?: 'RS256' | 'PS256' | 'ES256' | 'Ed25519') {
    const keys = await clientKeys(alg);
    return { keys, client: await service({ authMethod: 'private_key_jwt', jwks: keys.jwks }) };
  }

  it.each(['RS256', 'PS256', 'ES256', 'Ed25519'] as const)(
    'opens with %s by a library that we did not write',
    async (alg) => {
      const { keys, client } = await keyed(alg);
      const as = await oauth.processDiscoveryResponse(
        new URL(server.issuer),
        await oauth.discoveryRequest(new URL(server.issuer), { [oauth.allowInsecureRequests]: true }),
      );
      const authentication = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: keys.kid });
      const response = await oauth.clientCredentialsGrantRequest(
        as,
        { client_id: client.id },
        authentication,
        new URLSearchParams(),
        {
          ...{ [oauth.allowInsecureRequests]: true },
        },
      );
      const answer = await oauth.processClientCredentialsResponse(as, { client_id: client.id }, response);
      expect(answer.access_token).toEqual(expect.any(String));
    },
  );

  it('is refused where issuer, audience, time, key or algorithm is not right', async () => {
    const { keys, client } = await keyed();
    const now = Math.floor(Date.now() / 1000);
    for (const changes of [
      ...[
        { aud: 'https://other.example' },
        { aud: ['https://other.example'] },
        { aud: undefined },
        { iss: 'somebody' },
      ],
      ...[{ exp: now - 60 }, { exp: undefined }, { nbf: now + 60 }, { jti: undefined }],
    ]) {
      expect(await askForToken(await assertion(client, keys, changes)), JSON.stringify(changes)).toMatchObject(refused);
    }
    const stranger = await clientKeys();
    expect(await askForToken(await assertion(client, { ...stranger, kid: keys.kid }))).toMatchObject(refused);
    const [, payload] = ((await assertion(client, keys))['client_assertion'] ?? '').split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    expect((await askForToken({ ...(await assertion(client, keys)), client_assertion: none })).status).toBeOneOf([
      400, 401,
    ]);
    expect(await askForToken(await assertion(client, keys))).toMatchObject(ok);
  });

  it('is refused where it would have to be remembered for more than an hour', async () => {
    const { keys, client } = await keyed();
    const now = Math.floor(Date.now() / 1000);
    for (const exp of [now + 3700, 9_007_199_254_740_991, 1e300]) {
      expect(await askForToken(await assertion(client, keys, { exp })), `${exp}`).toMatchObject(refused);
    }
    expect(await askForToken(await assertion(client, keys, { exp: now + 3600 }))).toMatchObject(ok);
    // NumericDate may be a fraction (RFC 7519 2).
    expect(await askForToken(await assertion(client, keys, { exp: now + 60.123456789 }))).toMatchObject(ok);
  });

  it('is good for one use', async () => {
    const { keys, client } = await keyed();
    const once = await assertion(client, keys);
    expect(await askForToken(once)).toMatchObject(ok);
    expect(await askForToken(once)).toMatchObject(refused);
  });

  it('used five times at the same moment opens once', async () => {
    const { keys, client } = await keyed();
    const once = await assertion(client, keys);
    const atOnce = slowLooks(server, 'ReplayDetection');
    const answers = await racers(5, () => askForToken(once));
    atOnce();
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const loser of answers.filter(({ status }) => status !== 200)) expect(loser).toMatchObject(refused);
  });
});

describe('a public client', () => {
  async function freshCode() {
    const person = await visit(server, { type: 'spa' });
    await enter(person);
    const { authorization, page } = await ask(person);
    const code = told(page).code ?? '';
    const parameters = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: authorization.codeVerifier,
    };
    return { person, parameters };
  }
  const redeem = (parameters: Parameters, headers?: Record<string, string>) =>
    post(server, '/oauth2/token', parameters, headers);

  it('says its id in the body', async () => {
    const { person, parameters } = await freshCode();
    expect(await redeem({ ...parameters, client_id: person.client.id })).toMatchObject(ok);
  });

  it('may say it by Basic with an empty secret', async () => {
    const { person, parameters } = await freshCode();
    expect(await redeem(parameters, basic({ id: person.client.id, secret: '' }))).toMatchObject(ok);
  });

  it('is not somebody else in the body than in the header', async () => {
    const { person, parameters } = await freshCode();
    const other = await visit(server, { type: 'spa' });
    const answer = await redeem(
      { ...parameters, client_id: person.client.id },
      basic({ id: other.client.id, secret: '' }),
    );
    expect(answer).toMatchObject({ status: 400 });
  });

  it('has no secret that could be right', async () => {
    const { person, parameters } = await freshCode();
    expect(await redeem(parameters, basic({ id: person.client.id, secret: 'x' }))).toMatchObject(refused);
  });

  it('may not act for itself', async () => {
    const { person } = await freshCode();
    const answer = await askForToken({ client_id: person.client.id });
    expect(answer.status).toBe(400);
    expect(answer.body).not.toHaveProperty('access_token');
  });
});
