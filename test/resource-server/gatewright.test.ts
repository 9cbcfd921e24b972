import { createResourceServer, type ResourceServer, requireAcr, requireFreshAuth } from 'gatewright-resource-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
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
});
