import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { again, enter, type Tokens, type Visit, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

async function signedIn(options?: Parameters<typeof visit>[1]): Promise<{ person: Visit; tokens: Tokens }> {
  const person = await visit(server, options);
  return { person, tokens: await enter(person) };
}

const revoke = (caller: Pick<TestClient, 'id' | 'secret'>, token: string, more: Record<string, string> = {}) =>
  post(server, '/oauth2/revoke', { token, ...more }, basic(caller));

async function isAlive({ client }: Visit, accessToken: string): Promise<boolean> {
  const { status } = await userinfo(server, accessToken);
  const { body } = await post(server, '/oauth2/introspect', { token: accessToken }, basic(client));
  expect(status).toBe(body['active'] === true ? 200 : 401);
  return body['active'] === true;
}

async function refreshes({ client }: Visit, refreshToken: string | undefined): Promise<boolean> {
  const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken ?? '' };
  const { status, body } = await post(server, '/oauth2/token', parameters, basic(client));
  if (status !== 200) expect(body.error).toBe('invalid_grant');
  return status === 200;
}

describe('revocation (RFC 7009)', () => {
  it.each([undefined, 'access_token', 'refresh_token', 'made_up'])(
    'of an access token ends it at once, and no other of its grant (hint: %s)',
    async (hint) => {
      const { person, tokens } = await signedIn();
      const sibling = await again(person);
      const { status } = await revoke(person.client, tokens.access_token, hint ? { token_type_hint: hint } : {});
      expect(status).toBe(200);
      expect(await isAlive(person, tokens.access_token)).toBe(false);
      expect(await isAlive(person, sibling.access_token)).toBe(true);
      expect(await refreshes(person, tokens.refresh_token)).toBe(true);
    },
  );

  it.each([undefined, 'access_token', 'refresh_token'])(
    'of a refresh token ends its grant: every access token and every other refresh token (hint: %s)',
    async (hint) => {
      const { person, tokens } = await signedIn();
      const sibling = await again(person);
      await revoke(person.client, tokens.refresh_token ?? '', hint ? { token_type_hint: hint } : {});
      for (const one of [tokens, sibling]) {
        expect(await isAlive(person, one.access_token)).toBe(false);
        expect(await refreshes(person, one.refresh_token)).toBe(false);
      }
      // Neither the session nor the consent goes with it, and what comes next is alive.
      expect(await isAlive(person, (await again(person, { prompt: 'none' })).access_token)).toBe(true);
    },
  );

  it('of a refresh token leaves the same person’s other applications and browsers alone', async () => {
    const { person, tokens } = await signedIn();
    const elsewhere = await enter({ ...person, agent: (await visit(server)).agent });
    const other = await visit(server, { account: person.account, agent: person.agent });
    const otherTokens = await again(other);
    await revoke(person.client, tokens.refresh_token ?? '');
    expect(await isAlive(person, elsewhere.access_token)).toBe(true);
    expect(await isAlive(other, otherTokens.access_token)).toBe(true);
  });

  it('of another client’s token does nothing, and does not say so', async () => {
    const { person, tokens } = await signedIn();
    const stranger = (await visit(server)).client;
    const audience = `https://${newId('cli')}.example`;
    const api = await server.addClient('resource', { audience, scopes: ['x'] });
    for (const caller of [stranger, api]) {
      for (const token of [tokens.access_token, tokens.refresh_token ?? '']) {
        const answer = await revoke(caller, token);
        const unknown = await revoke(caller, 'x');
        expect([answer.status, unknown.status]).toEqual([200, 200]);
      }
    }
    expect(await isAlive(person, tokens.access_token)).toBe(true);
    expect(await refreshes(person, tokens.refresh_token)).toBe(true);
  });

  it('by an API of a token that is for it does nothing: it is not the API’s token', async () => {
    const audience = `https://${newId('cli')}.example`;
    const api = await server.addClient('resource', { audience, scopes: ['x'] });
    const { person, tokens } = await signedIn({ audiences: [audience], scopes: ['openid', 'x'] });
    await revoke(api, tokens.access_token);
    expect(await isAlive(person, tokens.access_token)).toBe(true);
  });

  it('of a client’s own token ends that token alone', async () => {
    const audience = `https://${newId('cli')}.example`;
    await server.addClient('resource', { audience, scopes: ['x'] });
    const service = await server.addClient('service', { audiences: [audience], scopes: ['x'] });
    const ask = async () =>
      (await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service))).body.access_token ??
      '';
    const [first, second] = [await ask(), await ask()];
    await revoke(service, first);
    const stateOf = async (token: string) =>
      (await post(server, '/oauth2/introspect', { token }, basic(service))).body['active'];
    expect([await stateOf(first), await stateOf(second)]).toEqual([false, true]);
  });

  it('by a public client needs no secret and reaches its own tokens only', async () => {
    const person = await visit(server, { type: 'spa' });
    const tokens = await enter(person);
    const other = await visit(server, { type: 'spa' });
    const token = tokens.access_token;
    await post(server, '/oauth2/revoke', { token, client_id: other.client.id });
    expect((await userinfo(server, token)).status).toBe(200);
    await post(server, '/oauth2/revoke', { token, client_id: person.client.id });
    expect((await userinfo(server, token)).status).toBe(401);
  });

  it('of what is already dead, expired or no token at all is answered like any other', async () => {
    const { person, tokens } = await signedIn();
    for (const token of [
      tokens.access_token,
      tokens.access_token,
      tokens.id_token ?? '',
      'x',
      'a.b.c',
      '~',
      '\u0000',
    ]) {
      expect((await revoke(person.client, token)).status, token).toBe(200);
    }
    expect(await refreshes(person, tokens.refresh_token)).toBe(true);
  });

  it('needs the caller’s own proof', async () => {
    const { person, tokens } = await signedIn();
    expect((await revoke({ id: person.client.id, secret: 'x' }, tokens.access_token)).status).toBe(401);
    expect((await post(server, '/oauth2/revoke', { token: tokens.access_token })).status).toBe(400);
    expect(await isAlive(person, tokens.access_token)).toBe(true);
  });

  it('is understood by a client library that we did not write, for every kind of token', async () => {
    const { person, tokens } = await signedIn();
    const sibling = await again(person);
    await person.party.revoke(tokens.access_token);
    expect([await isAlive(person, tokens.access_token), await isAlive(person, sibling.access_token)]).toEqual([
      false,
      true,
    ]);
    await person.party.revoke(sibling.refresh_token ?? '');
    expect(await isAlive(person, sibling.access_token)).toBe(false);

    const audience = `https://${newId('cli')}.example`;
    await server.addClient('resource', { audience, scopes: ['x'] });
    const service = await server.addClient('service', { audiences: [audience], scopes: ['x'] });
    const { config, introspect, revoke: end } = await createRelyingParty(server, service);
    const [first, second] = [await openid.clientCredentialsGrant(config), await openid.clientCredentialsGrant(config)];
    await end(first.access_token);
    await end('unknown');
    expect((await introspect(first.access_token)).active).toBe(false);
    expect((await introspect(second.access_token)).active).toBe(true);
  });
});
