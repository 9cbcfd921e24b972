import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { enter, type Tokens, type Visit, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Scene {
  api: TestClient;
  person: Visit;
  tokens: Tokens;
}

/** Somebody signed in at an application, with a token for an API. */
async function scene(): Promise<Scene> {
  const audience = `https://${newId('cli')}.example`;
  const api = await server.addClient('resource', { audience, scopes: ['notes:read'] });
  const person = await visit(server, { audiences: [audience], scopes: ['openid', 'email', 'notes:read'] });
  return { api, person, tokens: await enter(person, { scope: 'openid email notes:read' }) };
}

const introspect = (caller: Pick<TestClient, 'id' | 'secret'>, token: string, more: Record<string, string> = {}) =>
  post(server, '/oauth2/introspect', { token, ...more }, basic(caller));

const inactive = { status: 200, body: { active: false } };
const HINTS = [undefined, 'access_token', 'refresh_token', 'made_up'];

describe('introspection (RFC 7662)', () => {
  it('tells a client of its own access token, whatever the hint', async () => {
    const { api, person, tokens } = await scene();
    const { jti, iat, exp, auth_time, acr, amr } = decodeJwt(tokens.access_token);
    for (const hint of HINTS) {
      const { status, body } = await introspect(
        person.client,
        tokens.access_token,
        hint ? { token_type_hint: hint } : {},
      );
      expect(status).toBe(200);
      expect(body).toEqual({
        ...{ active: true, sub: person.account.id, client_id: person.client.id, iss: server.issuer, jti, iat, exp },
        ...{ aud: [api.audience, `${server.issuer}/oauth2/userinfo`], scope: 'openid email notes:read' },
        ...{ token_type: 'Bearer', auth_time, acr, amr },
      });
    }
  });

  it('tells an API of a token that was made for it', async () => {
    const { api, person, tokens } = await scene();
    expect((await introspect(api, tokens.access_token)).body).toMatchObject({ active: true, sub: person.account.id });
  });

  it('tells nobody else, and no more than that there is nothing', async () => {
    const { tokens } = await scene();
    const { api: otherApi } = await scene();
    const service = await server.addClient('service');
    for (const caller of [(await visit(server)).client, otherApi, service]) {
      expect(await introspect(caller, tokens.access_token)).toMatchObject(inactive);
      expect((await introspect(caller, tokens.access_token)).body).toEqual({ active: false });
      expect((await introspect(caller, tokens.refresh_token ?? '')).body).toEqual({ active: false });
    }
  });

  it('tells of a refresh token to its own client alone', async () => {
    const { api, person, tokens } = await scene();
    for (const hint of HINTS) {
      const more: Record<string, string> = hint ? { token_type_hint: hint } : {};
      const own = await introspect(person.client, tokens.refresh_token ?? '', more);
      expect(own.body).toMatchObject({ active: true, sub: person.account.id, client_id: person.client.id });
      expect(own.body).not.toHaveProperty('jti');
      expect((await introspect(api, tokens.refresh_token ?? '', more)).body).toEqual({ active: false });
    }
  });

  it('names the client as the subject of its own token, as the token does (RFC 9068 2.2)', async () => {
    const { api } = await scene();
    const service = await server.addClient('service', { audiences: [api.audience ?? ''], scopes: ['notes:read'] });
    const parameters = { grant_type: 'client_credentials', scope: 'notes:read' };
    const { body } = await post(server, '/oauth2/token', parameters, basic(service));
    for (const caller of [service, api]) {
      for (const hint of HINTS) {
        const answer = await introspect(caller, body.access_token ?? '', hint ? { token_type_hint: hint } : {});
        expect(answer.body).toMatchObject({
          active: true,
          sub: service.id,
          client_id: service.id,
          scope: 'notes:read',
        });
      }
    }
    expect((await introspect((await scene()).api, body.access_token ?? '')).body).toEqual({ active: false });
  });

  it('needs the caller’s own proof', async () => {
    const { person, tokens } = await scene();
    const token = tokens.access_token;
    expect((await post(server, '/oauth2/introspect', { token })).status).toBe(400);
    expect((await post(server, '/oauth2/introspect', { token, client_id: person.client.id })).status).toBe(401);
    expect((await introspect({ id: person.client.id, secret: 'x' }, token)).status).toBe(401);
  });

  it('knows nothing of codes, ID tokens, forged tokens, or anything else', async () => {
    const { person, tokens } = await scene();
    const [header, payload] = tokens.access_token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    for (const token of [
      ...[tokens.id_token ?? '', `${header}.${payload}.c2ln`, `${none}.${payload}.`, 'x', '~', 'a.b.c', '~a.b.c', '..'],
      ...[`${tokens.refresh_token}x`, person.client.secret, person.account.id, '\u0000', 'é'.repeat(100)],
      ...[`~${tokens.access_token}`, `~~${tokens.access_token}`],
    ]) {
      expect(await introspect(person.client, token), token).toMatchObject(inactive);
      expect((await post(server, '/oauth2/revoke', { token }, basic(person.client))).status, token).toBe(200);
    }
    expect((await userinfo(server, `~${tokens.access_token}`)).status).toBe(401);
    // Nor was any of them taken for the real one by revocation.
    expect((await introspect(person.client, tokens.access_token)).body).toMatchObject({ active: true });
  });

  it('asks for exactly one token', async () => {
    const { person, tokens } = await scene();
    expect((await introspect(person.client, '')).status).toBe(400);
    const twice = [
      ['token', tokens.access_token],
      ['token', tokens.access_token],
    ] as [string, string][];
    expect((await post(server, '/oauth2/introspect', twice, basic(person.client))).status).toBe(400);
  });

  it('says inactive, and nothing worse, when the account is gone', async () => {
    const { api, person, tokens } = await scene();
    await server.app.stores.accounts.delete(person.account.id, BY_OPERATOR);
    for (const caller of [person.client, api]) {
      expect((await introspect(caller, tokens.access_token)).body).toEqual({ active: false });
      expect((await introspect(caller, tokens.refresh_token ?? '')).body).toEqual({ active: false });
    }
  });

  it.each(['disabled', 'deleted'])('says inactive, and nothing worse, when the client is %s', async (how) => {
    const { api, person, tokens } = await scene();
    const service = await server.addClient('service', { audiences: [api.audience ?? ''] });
    const own = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
    const { clients } = server.app.stores;
    for (const { id } of [person.client, service]) {
      await (how === 'deleted' ? clients.delete(id, BY_OPERATOR) : clients.setStatus(id, 'disabled', BY_OPERATOR));
    }
    for (const token of [tokens.access_token, tokens.refresh_token ?? '', own.body.access_token ?? '']) {
      expect(await introspect(api, token)).toMatchObject(inactive);
    }
  });

  it('says inactive when the token has expired', async () => {
    const { api, person, tokens } = await scene();
    turnClocks(15 * 60 + 20);
    expect((await introspect(person.client, tokens.access_token)).body).toEqual({ active: false });
    expect((await introspect(api, tokens.access_token)).body).toEqual({ active: false });
  });

  it('is understood by a client library that we did not write, whoever asks', async () => {
    const { api, person, tokens } = await scene();
    const service = await server.addClient('service', { audiences: [api.audience ?? ''], scopes: ['notes:read'] });
    const machine = await openid.clientCredentialsGrant((await createRelyingParty(server, service)).config, {
      scope: 'notes:read',
    });
    const asked = async (caller: TestClient, token: string) =>
      (await createRelyingParty(server, caller)).introspect(token);
    const stranger = (await scene()).api;
    for (const [caller, token, active] of [
      [person.client, tokens.access_token, true],
      [api, tokens.access_token, true],
      [service, tokens.access_token, false],
      [stranger, tokens.access_token, false],
      [person.client, tokens.refresh_token ?? '', true],
      [api, tokens.refresh_token ?? '', false],
      [service, machine.access_token, true],
      [api, machine.access_token, true],
      [person.client, machine.access_token, false],
      [stranger, machine.access_token, false],
      [api, 'unknown', false],
    ] as const) {
      expect((await asked(caller, token)).active, `${caller.id} ${token}`).toBe(active);
    }
  });

  it('says inactive of a machine’s token when the API is disabled, or the machine', async () => {
    for (const ended of ['api', 'service'] as const) {
      const { api } = await scene();
      const service = await server.addClient('service', { audiences: [api.audience ?? ''], scopes: ['notes:read'] });
      const { body } = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
      const [gone, left] = ended === 'api' ? [api, service] : [service, api];
      expect((await introspect(left, body.access_token ?? '')).body).toMatchObject({ active: true });
      await server.app.stores.clients.setStatus(gone.id, 'disabled', BY_OPERATOR);
      expect((await introspect(left, body.access_token ?? '')).body).toEqual({ active: false });
      expect((await introspect(gone, body.access_token ?? '')).status).toBe(401);
    }
  });

  it('is told under the name that an API has now: one that took over the name of another learns no more', async () => {
    const { api, person, tokens } = await scene();
    await server.app.stores.clients.delete(api.id, BY_OPERATOR);
    const heir = await server.addClient('resource', { audience: api.audience ?? '', scopes: ['mail:read'] });
    const { body } = await introspect(heir, tokens.access_token);
    expect(body).toMatchObject({ active: true, sub: person.account.id, scope: 'openid email' });
  });
});
