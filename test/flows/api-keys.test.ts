import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  allowInsecureRequests,
  ClientSecretBasic,
  discovery,
  genericGrantRequest,
  None,
  tokenIntrospection,
} from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueApiKey } from '../../src/api-keys/format.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { API_KEY_CLIENT, TOKEN_EXCHANGE } from '../../src/oidc/api-key-client.ts';
import { API_KEY_TOKEN_TYPE } from '../../src/oidc/api-key-exchange.ts';
import { addApiKey, exchange, type KeyScene, keyOf, stored } from '../support/api-keys.ts';
import { change } from '../support/apis.ts';
import { dpopKey } from '../support/dpop.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

const introspect = (caller: TestClient, token: string) => post(server, '/oauth2/introspect', { token }, basic(caller));

/** The client library of others, as a machine and as an API would use it. */
const foreign = (clientId: string, secret?: string) =>
  discovery(new URL(server.issuer), clientId, undefined, secret ? ClientSecretBasic(secret) : None(), {
    execute: [allowInsecureRequests],
  });

const REFUSED = {
  status: 400,
  body: { error: 'invalid_request', error_description: 'subject_token is not an API key that may be used' },
};

describe('an API key at the token endpoint (RFC 8693)', () => {
  it('becomes a short token of its API, for a client library that is not ours', async () => {
    const { key, id, api, service } = await addApiKey(server);
    const config = await foreign(API_KEY_CLIENT);
    const asked = { subject_token: key, subject_token_type: API_KEY_TOKEN_TYPE };
    const { access_token, ...answer } = await genericGrantRequest(config, TOKEN_EXCHANGE, asked);
    expect(answer).toEqual({
      ...{ token_type: 'bearer', expires_in: 300, scope: 'notes:read' },
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    const { iat, jti, ...claims } = decodeJwt(access_token);
    expect(decodeProtectedHeader(access_token)).toMatchObject({ typ: 'at+jwt', alg: 'RS256' });
    expect(claims).toEqual({
      ...{ iss: server.issuer, sub: service.id, client_id: service.id, aud: api.audience, scope: 'notes:read' },
      ...{ api_key_id: id, exp: Number(iat) + 300 },
    });
    expect(JSON.stringify(claims)).not.toContain(key);

    const asApi = await foreign(api.id, api.secret);
    expect(await tokenIntrospection(asApi, access_token)).toMatchObject({ active: true, api_key_id: id, jti });
  });

  it('needs no client at all, and gives less on request', async () => {
    const { key, api } = await addApiKey(server, { permissions: ['notes:read', 'notes:write'] });
    expect((await exchange(server, key)).body).toMatchObject({ scope: 'notes:read notes:write', token_type: 'Bearer' });
    expect((await exchange(server, key, { scope: 'notes:write' })).body).toMatchObject({ scope: 'notes:write' });
    for (const target of [{ resource: api.audience }, { audience: api.audience }, { audience: api.id }]) {
      expect((await exchange(server, key, target as Record<string, string>)).status).toBe(200);
    }
  });

  it('gives nothing beyond itself', async () => {
    const { key, api } = await addApiKey(server);
    const other = await addApiKey(server);
    for (const scope of ['notes:write', 'notes:read notes:write', 'openid', 'offline_access']) {
      expect(await exchange(server, key, { scope })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    }
    const foreignTargets = [
      ...[
        { resource: other.api.audience },
        { audience: other.api.id },
        { resource: `${server.issuer}/oauth2/userinfo` },
      ],
      { resource: api.audience, audience: other.api.audience },
    ];
    for (const target of foreignTargets) {
      const answer = await exchange(server, key, target as Record<string, string>);
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    }
    const { body } = await exchange(server, key);
    expect(Object.keys(body).sort()).toEqual(
      ['access_token', 'expires_in', 'issued_token_type', 'scope', 'token_type'].sort(),
    );
  });

  it('is refused in the same words whatever it lacks', async () => {
    const { apiKeys, clients } = server.app.stores;
    const gone = await addApiKey(server);
    await apiKeys.revoke(gone.id, BY_OPERATOR);
    const expired = await addApiKey(server, { expiresIn: 0 });
    const ofDisabled = await addApiKey(server);
    await clients.setStatus(ofDisabled.service.id, 'disabled', BY_OPERATOR);
    const forDisabled = await addApiKey(server);
    await clients.setStatus(forDisabled.api.id, 'disabled', BY_OPERATOR);
    const ofDeleted = await addApiKey(server);
    await clients.delete(ofDeleted.service.id, BY_OPERATOR);
    const forDeleted = await addApiKey(server);
    await clients.delete(forDeleted.api.id, BY_OPERATOR);
    const { key } = await addApiKey(server);
    const last = key.endsWith('0') ? '1' : '0';
    for (const [what, presented] of Object.entries({
      unknown: issueApiKey().key,
      revoked: gone.key,
      expired: expired.key,
      ofDisabled: ofDisabled.key,
      forDisabled: forDisabled.key,
      ofDeleted: ofDeleted.key,
      forDeleted: forDeleted.key,
      mistyped: key.slice(0, -1) + last,
      cut: key.slice(0, -1),
      longer: `${key}0`,
      spaced: ` ${key}`,
    })) {
      expect(await exchange(server, presented), what).toMatchObject(REFUSED);
      for (const caller of [forDisabled.api, gone.api, gone.service]) {
        if (caller !== forDisabled.api)
          expect((await introspect(caller, presented)).body, what).toEqual({ active: false });
      }
    }
    expect((await exchange(server, key)).status).toBe(200);
  });

  it('is taken for nothing else, and nothing else is taken for it', async () => {
    const { key, service, api } = await addApiKey(server);
    const { body } = await exchange(server, key);
    const token = body.access_token ?? '';
    for (const [what, presented] of Object.entries({ token, secret: service.secret, id: service.id, none: 'x' })) {
      expect(await exchange(server, presented), what).toMatchObject(REFUSED);
    }
    const typed = { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
    for (const wrong of [
      typed,
      { subject_token_type: '' },
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      { actor_token: key, actor_token_type: API_KEY_TOKEN_TYPE },
    ]) {
      expect(await exchange(server, key, wrong as Record<string, string>)).toMatchObject({
        ...{ status: 400, body: { error: 'invalid_request' } },
      });
    }
    expect((await userinfo(server, key)).status).toBe(401);
    expect((await userinfo(server, token)).status).toBe(401);
    const refresh = { grant_type: 'refresh_token', refresh_token: key };
    expect((await post(server, '/oauth2/token', refresh, basic(service))).status).toBe(400);
    const asSecret = { grant_type: 'client_credentials', resource: api.audience };
    expect((await post(server, '/oauth2/token', asSecret, basic({ ...service, secret: key }))).status).toBe(401);
  });

  it('is the one thing that its built-in client can do', async () => {
    const { api } = await addApiKey(server);
    const as = { client_id: API_KEY_CLIENT };
    const credentials = await post(server, '/oauth2/token', { ...as, grant_type: 'client_credentials' });
    expect([credentials.status, credentials.body.access_token]).toEqual([400, undefined]);
    const device = await post(server, '/oauth2/device', { ...as, scope: 'openid' });
    expect(device.status).toBe(400);
    const pushed = await post(server, '/oauth2/par', {
      ...as,
      response_type: 'code',
      redirect_uri: 'https://x.example',
    });
    expect(pushed.status).toBe(400);
    const query = new URLSearchParams({ ...as, response_type: 'none', redirect_uri: 'https://x.example' });
    const page = await fetch(`${server.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' });
    expect(page.status).toBe(400);
    // Nor can another client exchange in its place.
    const { key, service } = await addApiKey(server);
    expect((await exchange(server, key, {}, basic(service))).status).toBe(400);
    expect((await exchange(server, key, {}, basic(api))).status).toBe(400);
    expect((await exchange(server, key, { client_id: service.id })).status).toBe(401);
  });

  it('gives what client and API allow at that moment', async () => {
    const { key, service, api } = await addApiKey(server, { permissions: ['notes:read', 'notes:write'] });
    const { clients } = server.app.stores;
    const scopeNow = async () => [
      (await exchange(server, key)).body['scope'],
      (await introspect(api, key)).body['scope'],
    ];
    expect(await scopeNow()).toEqual(['notes:read notes:write', 'notes:read notes:write']);
    await clients.update({ ...service, settings: { ...service.settings, scopes: ['notes:write'] } }, BY_OPERATOR);
    expect(await scopeNow()).toEqual(['notes:write', 'notes:write']);
    await clients.update({ ...api, settings: { ...api.settings, scopes: ['notes:read'] } }, BY_OPERATOR);
    expect(await scopeNow()).toEqual([undefined, undefined]);
    await clients.update({ ...service, settings: { ...service.settings, audiences: [] } }, BY_OPERATOR);
    expect(await exchange(server, key)).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    expect((await introspect(api, key)).body).toEqual({ active: false });
  });

  it('gives permissions that its client has by a role, and no role that says more than it gives', async () => {
    const { roles } = server.app.stores;
    const { key, service, api } = await addApiKey(server);
    const bare = { ...service, settings: { ...service.settings, scopes: [] } };
    await server.app.stores.clients.update(bare, BY_OPERATOR);
    const role = { apiId: api.id, description: '', everyone: false };
    const [reader, editor] = [newId('rol'), newId('rol')];
    await roles.create({ ...role, id: reader, name: 'reader', permissions: ['notes:read'] }, BY_OPERATOR);
    await roles.create(
      { ...role, id: editor, name: 'editor', permissions: ['notes:read', 'notes:write'] },
      BY_OPERATOR,
    );
    await roles.create({ ...role, id: newId('rol'), name: 'title', permissions: [] }, BY_OPERATOR);
    const said = async () => {
      const { access_token: token = '' } = (await exchange(server, key)).body;
      const looks = [decodeJwt(token), (await introspect(api, token)).body, (await introspect(api, key)).body];
      return looks.map(({ scope, roles: named }) => [scope, named]);
    };
    expect(await said()).toEqual(Array(3).fill([undefined, undefined]));
    const holder = { kind: 'client', id: service.id } as const;
    for (const { id } of await roles.list(api.id)) await roles.grant(id, holder, BY_OPERATOR);
    expect(await said()).toEqual(Array(3).fill(['notes:read', ['reader']]));
    const { body } = await exchange(server, key);
    await roles.revoke(reader, holder, BY_OPERATOR);
    expect(await said()).toEqual(Array(3).fill(['notes:read', undefined]));
    await roles.revoke(editor, holder, BY_OPERATOR);
    // The API still knows the token; it opens nothing any more.
    const left = (await introspect(api, body.access_token ?? '')).body;
    expect([left['active'], left['scope'], left['roles']]).toEqual([true, undefined, undefined]);
  });

  it('is exchanged for a token that is bound to a key of its holder, where one is proved (RFC 9449)', async () => {
    const { key, api } = await addApiKey(server, { api: { senderConstrained: 'dpop' } });
    const { thumbprint, proof } = await dpopKey();
    const url = `${server.issuer}/oauth2/token`;
    // The key by itself is carried by anybody, which this API does not take.
    expect((await introspect(api, key)).body).toEqual({ active: false });
    expect(await exchange(server, key)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const once = await proof(url);
    const { status, body } = await exchange(server, key, {}, { dpop: once });
    expect([status, body['token_type']]).toEqual([200, 'DPoP']);
    expect(decodeJwt(body.access_token ?? '')['cnf']).toEqual({ jkt: thumbprint });
    expect((await introspect(api, body.access_token ?? '')).body).toMatchObject({
      active: true,
      cnf: { jkt: thumbprint },
    });
    expect(await exchange(server, key, {}, { dpop: once })).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
  });

  it('is exchanged for no longer than its API lets a token live', async () => {
    const { key } = await addApiKey(server, { api: { tokenLifetime: 60 } });
    expect((await exchange(server, key)).body['expires_in']).toBe(60);
  });

  it('gives no token that outlives it', async () => {
    const { key } = await addApiKey(server, { expiresIn: 60 });
    const { body } = await exchange(server, key);
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(60);
    expect(Number(body['expires_in'])).toBeGreaterThan(50);
  });
});

describe('an API key at introspection (RFC 7662)', () => {
  it('is told of to its API and to the client that it belongs to, and to nobody else', async () => {
    const { key, id, api, service } = await addApiKey(server);
    const asApi = await foreign(api.id, api.secret);
    const { createdAt, expiresAt } = await stored(server, id);
    const expected = {
      ...{ active: true, sub: service.id, client_id: service.id, iss: server.issuer, aud: api.audience },
      ...{ scope: 'notes:read', token_type: 'Bearer', api_key_id: id },
      ...{ iat: Math.floor(createdAt / 1000), exp: Math.floor(Number(expiresAt) / 1000) },
    };
    expect(await tokenIntrospection(asApi, key)).toEqual(expected);
    expect(await tokenIntrospection(asApi, key, { token_type_hint: 'refresh_token' })).toEqual(expected);
    expect((await introspect(service, key)).body).toEqual(expected);
    const other = await addApiKey(server);
    for (const caller of [other.api, other.service]) {
      expect((await introspect(caller, key)).body).toEqual({ active: false });
    }
    expect((await post(server, '/oauth2/introspect', { token: key, client_id: API_KEY_CLIENT })).body).toEqual({
      active: false,
    });
  });

  it('has no end where it does not expire', async () => {
    const { key, api } = await addApiKey(server, { expiresIn: null });
    const { body } = await introspect(api, key);
    expect(body).toMatchObject({ active: true });
    expect(body).not.toHaveProperty('exp');
    expect((await exchange(server, key)).body['expires_in']).toBe(300);
  });

  it('says when it was used, and does not count a look of its own client', async () => {
    const { key, id, api, service } = await addApiKey(server);
    await introspect(service, key);
    expect((await stored(server, id)).lastUsedAt).toBeNull();
    await introspect(api, key);
    await expect.poll(async () => (await stored(server, id)).lastUsedAt).not.toBeNull();
  });

  it('answers a hundred at once', async () => {
    const { key, api } = await addApiKey(server);
    const answers = await Promise.all(Array.from({ length: 100 }, () => introspect(api, key)));
    expect(answers.map(({ status, body }) => [status, body['active']])).toEqual(answers.map(() => [200, true]));
  });
});

describe('the end of an API key', () => {
  it('takes with it, at introspection, the tokens that were made from it', async () => {
    const { key, id, api, service } = await addApiKey(server);
    const { body } = await exchange(server, key);
    const own = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
    await server.app.stores.apiKeys.revoke(id, BY_OPERATOR);
    for (const token of [key, body.access_token ?? '']) {
      expect((await introspect(api, token)).body).toEqual({ active: false });
    }
    expect(await exchange(server, key)).toMatchObject(REFUSED);
    // What its client got by its secret is not concerned.
    expect((await introspect(api, own.body.access_token ?? '')).body).toMatchObject({ active: true });
  });

  it.each<[string, (scene: KeyScene, isOpen: boolean) => Promise<unknown>]>([
    [
      'is disabled',
      ({ api }, isOpen) => server.app.stores.clients.setStatus(api.id, isOpen ? 'active' : 'disabled', BY_OPERATOR),
    ],
    [
      'is closed to its client',
      ({ service, api }, isOpen) => change(server, service, { audiences: isOpen ? [api.audience] : [] }),
    ],
    [
      'takes no bare key',
      ({ api }, isOpen) => change(server, api, { api: { senderConstrained: isOpen ? 'none' : 'dpop' } }),
    ],
  ])('comes by revocation also while its API %s, and stays', async (_what, open) => {
    const scene = await addApiKey(server);
    await open(scene, false);
    expect((await post(server, '/oauth2/revoke', { token: scene.key }, basic(scene.service))).status).toBe(200);
    await open(scene, true);
    expect((await stored(server, scene.id)).revokedAt).not.toBeNull();
    expect(await exchange(server, scene.key)).toMatchObject(REFUSED);
  });

  it('comes by revocation from its own client alone (RFC 7009)', async () => {
    const { key, id, api } = await addApiKey(server);
    const other = await addApiKey(server);
    const revoke = (caller: TestClient) => post(server, '/oauth2/revoke', { token: key }, basic(caller));
    for (const caller of [api, other.service]) expect((await revoke(caller)).status).toBe(200);
    expect((await post(server, '/oauth2/revoke', { token: key, client_id: API_KEY_CLIENT })).status).toBe(200);
    expect((await stored(server, id)).revokedAt).toBeNull();
    const again = await keyOf(server, other);
    const owner = other.service;
    expect((await post(server, '/oauth2/revoke', { token: again.key }, basic(owner))).status).toBe(200);
    expect((await stored(server, again.id)).revokedAt).not.toBeNull();
    expect(await exchange(server, again.key)).toMatchObject(REFUSED);
  });

  it('comes with the end of the overlap, when another has taken its place', async () => {
    const { key, id } = await addApiKey(server);
    const { apiKeys, clock } = server.app.stores;
    const next = issueApiKey();
    const successor = { id: newId('key'), keyHash: next.keyHash, expiresAt: null };
    expect(await apiKeys.rotate(id, successor, clock() + 10_000, BY_OPERATOR)).toBe(true);
    for (const each of [key, next.key]) expect((await exchange(server, each)).status).toBe(200);
    server.passTime(11_000);
    expect(await exchange(server, key)).toMatchObject(REFUSED);
    expect((await exchange(server, next.key)).body).toMatchObject({ scope: 'notes:read' });
  });

  it('is final for every exchange that begins after it', async () => {
    const { key, id, api } = await addApiKey(server);
    const early = Array.from({ length: 10 }, () => exchange(server, key));
    await server.app.stores.apiKeys.revoke(id, BY_OPERATOR);
    const late = await Promise.all(Array.from({ length: 10 }, () => exchange(server, key)));
    for (const answer of late) expect(answer).toMatchObject(REFUSED);
    for (const { status, body } of await Promise.all(early)) {
      expect([200, 400]).toContain(status);
      if (body.access_token) expect((await introspect(api, body.access_token)).body).toEqual({ active: false });
    }
  });
});
