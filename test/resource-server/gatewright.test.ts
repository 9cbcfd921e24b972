import type http from 'node:http';
import {
  callerOf,
  createResourceServer,
  koa,
  type ResourceServer,
  requireAcr,
  requireFreshAuth,
  requirePermission,
} from 'gatewright-resource-server';
import Koa from 'koa';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { startFront } from '../operation/tls-endpoint.ts';
import { addApi, addRole } from '../support/apis.ts';
import { basic, post } from '../support/endpoint.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { enter, type Tokens, type Visit, visit } from '../support/visit.ts';
import { bearer, call, outcome, REFUSED } from './call.ts';

/* An API that uses the kit, and a whole server that issues its tokens. */

const AUDIENCE = 'https://posts.example';

let server: TestServer;
let registered: TestClient;
let alone: ResourceServer;
let asking: ResourceServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  registered = await server.addClient('resource', { audience: AUDIENCE, scopes: ['posts:read', 'posts:write'] });
  const { issuer } = server;
  alone = createResourceServer({ issuer, audience: AUDIENCE });
  const introspection = { clientId: registered.id, clientSecret: registered.secret, cacheFor: 0 };
  asking = createResourceServer({ issuer, audience: AUDIENCE, introspection });
});
afterAll(() => server[Symbol.asyncDispose]());

async function scene(): Promise<{ person: Visit; tokens: Tokens }> {
  const person = await visit(server, { audiences: [AUDIENCE], scopes: ['openid', 'posts:read', 'posts:write'] });
  return { person, tokens: await enter(person, { scope: 'openid posts:read' }) };
}

describe('tokens of Gatewright', () => {
  it('tell who calls, with and without asking', async () => {
    const { person, tokens } = await scene();
    for (const api of [alone, asking]) {
      const caller = await call(api, bearer(tokens.access_token));
      expect(caller).toMatchObject({ sub: person.account.id, clientId: person.client.id, amr: ['pwd'] });
      expect(caller.permissions).toContain('posts:read');
      expect(caller.permissions).not.toContain('posts:write');
      expect(requireFreshAuth(caller, 60)).toBe(caller);
      expect(requireAcr(caller, 'urn:gatewright:acr:one-factor')).toBe(caller);
      expect(() => requireAcr(caller, 'urn:gatewright:acr:two-factor')).toThrow('A stronger sign-in is needed');
    }
  });

  it('of a service name the service', async () => {
    const service = await server.addClient('service', { audiences: [AUDIENCE], scopes: ['posts:write'] });
    const parameters = { grant_type: 'client_credentials', scope: 'posts:write' };
    const { body } = await post(server, '/oauth2/token', parameters, basic(service));
    const caller = await call(asking, bearer(body.access_token ?? ''));
    expect(caller).toMatchObject({
      sub: service.id,
      clientId: service.id,
      permissions: ['posts:write'],
      authTime: null,
    });
  });

  it('that are something else, or for somebody else, are refused', async () => {
    const { tokens } = await scene();
    const elsewhere = await enter(await visit(server));
    for (const token of [tokens.id_token, tokens.refresh_token, elsewhere.access_token]) {
      for (const api of [alone, asking]) expect(await outcome(call(api, bearer(token ?? '')))).toBe(REFUSED);
    }
  });

  it('that were revoked are refused at once where the issuer is asked', async () => {
    const { person, tokens } = await scene();
    await person.party.revoke(tokens.access_token);
    expect(await outcome(call(alone, bearer(tokens.access_token)))).toBe('passes');
    expect(await outcome(call(asking, bearer(tokens.access_token)))).toBe(REFUSED);
  });

  it('are not believed to be good where the secret of this API is wrong', async () => {
    const { tokens } = await scene();
    const introspection = { clientId: registered.id, clientSecret: 'wrong', cacheFor: 0 };
    const wrong = createResourceServer({ issuer: server.issuer, audience: AUDIENCE, introspection });
    expect(await outcome(call(wrong, bearer(tokens.access_token)))).toBe('503 temporarily_unavailable');
  });

  it('lose a permission and a role at once where the issuer is asked', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visit(server, { audiences: [api.audience], scopes: ['openid', 'posts:read', 'posts:write'] });
    const accounts = [person.account.id];
    await addRole(server, api, 'reader', { permissions: ['posts:read'], accounts });
    const author = await addRole(server, api, 'author', { permissions: ['posts:write'], accounts });
    const { access_token: token } = await enter(person, { scope: 'openid posts:read posts:write' });
    const introspection = { clientId: api.id, clientSecret: api.secret, cacheFor: 0 };
    const own = { issuer: server.issuer, audience: api.audience };
    const [sure, trusting] = [createResourceServer({ ...own, introspection }), createResourceServer(own)];
    const both = ['openid', 'posts:read', 'posts:write'];
    expect(await call(sure, bearer(token))).toMatchObject({ permissions: both, roles: ['author', 'reader'] });

    await server.app.stores.roles.revoke(author, { kind: 'account', id: person.account.id }, BY_OPERATOR);
    expect(await call(sure, bearer(token))).toMatchObject({ permissions: ['openid', 'posts:read'], roles: ['reader'] });
    expect(await call(trusting, bearer(token))).toMatchObject({ permissions: both, roles: ['author', 'reader'] });
  });

  it('that are bound to a key come with its proofs, made by a client library (RFC 9449)', async () => {
    const handlers: http.RequestListener[] = [];
    await using front = await startFront((req, res) => handlers[0]?.(req, res));
    const audience = `${front.origin}/v1`;
    await server.addClient('resource', { audience, scopes: ['posts:read'] });
    const service = await server.addClient('service', { audiences: [audience], scopes: ['posts:read'] });
    const app = new Koa();
    app.use(koa(createResourceServer({ issuer: server.issuer, audience, dpop: true, requireSenderConstrained: true })));
    app.use((ctx) => {
      ctx.body = { sub: requirePermission(callerOf(ctx), 'posts:read').sub };
    });
    handlers.push(app.callback());

    const { config } = await createRelyingParty(server, service);
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const tokens = await client.clientCredentialsGrant(config, { scope: 'posts:read' }, { DPoP });
    expect(tokens.token_type).toBe('dpop');
    const url = new URL(`${audience}/posts?page=1`);
    const answer = await client.fetchProtectedResource(config, tokens.access_token, url, 'GET', null, undefined, {
      DPoP,
    });
    expect([answer.status, await answer.json()]).toEqual([200, { sub: service.id }]);
    expect((await fetch(url, { headers: bearer(tokens.access_token) })).status).toBe(401);
    const plain = await client.clientCredentialsGrant(config, { scope: 'posts:read' });
    expect((await fetch(url, { headers: bearer(plain.access_token) })).status).toBe(401);
  });
});
