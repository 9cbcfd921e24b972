import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { change } from '../support/apis.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { aRegistrationToken, CALLED_BACK, manage, own, register, registered } from '../support/registration.ts';
import { CALLBACK, createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { allow, signIn } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { ask } from '../support/visit.ts';

let server: TestServer;
let token = '';
const API = 'https://orders.example.org';

beforeAll(async () => {
  server = await startTestServer({ REGISTRATION: 'token' });
  ({ token } = await aRegistrationToken(server));
  await server.addClient('resource', { audience: API, scopes: ['orders:read'] });
});
afterAll(() => server[Symbol.asyncDispose]());

const insecure = { execute: [openid.allowInsecureRequests] };

async function eventsOf(clientId: string) {
  return (await server.app.stores.auditTrail.latest(20, { clientId })).map(({ event, actor }) => [event, actor]).sort();
}

/** As the tests' own relying party knows one that the operator registered. */
async function partyOf(client: { client_id: string; client_secret?: string }) {
  const stored = await server.app.stores.clients.find(client.client_id);
  if (!stored) throw new Error('not registered');
  const known = { ...stored, secret: client.client_secret ?? '' };
  return { client: known, party: await createRelyingParty(server, known) };
}

describe('an application registers itself', () => {
  it('by openid-client, and people sign in to it, are told that nobody has checked it, and are asked again', async () => {
    const config = await openid.dynamicClientRegistration(
      new URL(server.issuer),
      { client_name: 'Meadow Notes', redirect_uris: [CALLBACK], scope: 'openid email' },
      undefined,
      { initialAccessToken: token, ...insecure },
    );
    const metadata = config.clientMetadata();
    expect(metadata).toMatchObject({ client_secret_expires_at: 0, token_endpoint_auth_method: 'client_secret_basic' });
    const { client, party } = await partyOf(metadata as never);
    // Whatever an operator makes of it since: it speaks for itself.
    const settings = { ...client.settings, firstParty: true };
    expect(await server.app.stores.clients.update({ ...client, settings }, BY_OPERATOR)).toBe(true);
    const account = await server.addAccount();
    const agent = createUserAgent(server.issuer);

    const { authorization, page } = await ask({ party, agent }, { scope: 'openid email' });
    const consent = await agent.submit(page, { email: account.email, password: 'correct horse battery staple' });
    expect(textOf(consent.html)).toContain('This application registered itself here.');
    const tokens = await party.redeem(await allow(agent, consent), authorization);
    expect(tokens.claims()?.sub).toBe(account.id);
    expect((await party.refresh(tokens.refresh_token ?? '')).access_token).toBeDefined();
  });

  it('and its people see where they will be sent, not the first address that it thought of', async () => {
    const client = await registered(server, token, { redirect_uris: ['https://bank.example/', CALLBACK] });
    const { party } = await partyOf(client);
    const { page } = await ask({ party, agent: createUserAgent(server.issuer) });
    expect(textOf(page.html)).toContain('localhost:9');
    expect(page.html).not.toContain('bank.example');
  });

  it('and learns by name no more than by the scopes that it was allowed', async () => {
    const { token: strict } = await aRegistrationToken(server, { scopes: ['openid'] });
    const { client, party } = await partyOf(await registered(server, strict, { redirect_uris: [CALLBACK] }));
    const [account, agent] = [await server.addAccount(), createUserAgent(server.issuer)];
    const named = { id_token: { email: null }, userinfo: { email: null } };
    const told = async () => {
      const asked = { scope: 'openid', claims: JSON.stringify(named), prompt: 'login consent' };
      const { authorization, page } = await ask({ party, agent }, asked);
      const tokens = await party.redeem(await signIn(agent, page, account), authorization);
      return [tokens.claims()?.['email'], (await userinfo(server, tokens.access_token)).body['email']];
    };
    expect(await told()).toEqual([undefined, undefined]);
    await change(server, client, { scopes: ['openid', 'email'] });
    expect(await told()).toEqual([account.email, account.email]);
  });

  it('by oauth4webapi, without a secret, as what it is', async () => {
    const issuer = new URL(server.issuer);
    const options = { [oauth.allowInsecureRequests]: true, algorithm: 'oauth2' } as const;
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    expect(as.registration_endpoint).toBe(`${server.issuer}/oauth2/register`);
    const response = await oauth.dynamicClientRegistrationRequest(
      as,
      { client_name: 'Meadow', redirect_uris: ['http://127.0.0.1:5173/cb'], token_endpoint_auth_method: 'none' },
      { [oauth.allowInsecureRequests]: true, initialAccessToken: token },
    );
    const client = await oauth.processDynamicClientRegistrationResponse(response);
    expect(client).toMatchObject({ application_type: 'native', token_endpoint_auth_method: 'none' });
    expect(client).not.toHaveProperty('client_secret');
    expect(await server.app.stores.clients.find(client.client_id)).toMatchObject({
      type: 'native',
      settings: { pkceRequired: true, firstParty: false, audiences: [] },
    });
  });

  it('as a machine, for the API of its token', async () => {
    const policy = { types: ['service' as const], audiences: [API], scopes: ['orders:read'] };
    const own = await aRegistrationToken(server, policy);
    const client = await registered(server, own.token, { redirect_uris: [], grant_types: ['client_credentials'] });
    const { status, body } = await post(
      server,
      '/oauth2/token',
      { grant_type: 'client_credentials', scope: 'orders:read' },
      basic({ id: client.client_id, secret: String(client.client_secret) }),
    );
    expect([status, body['scope']]).toEqual([200, 'orders:read']);
  });

  it('and is told all that is registered, with what stands in the place of what it said (RFC 7591 3.2.1)', async () => {
    const { id, token: initial } = await aRegistrationToken(server);
    const { status, headers, body } = await register(
      server,
      {
        client_name: 'Meadow',
        'client_name#de': 'Wiese',
        redirect_uris: [CALLED_BACK],
        grant_types: ['authorization_code'],
        backchannel_logout_uri: 'https://notes.example.org/logout',
        software_id: '4NRB1-0XZABZI9E6-5SM3R',
        contacts: ['ops@example.org'],
        require_pushed_authorization_requests: true,
        something_new: { deep: true },
      },
      initial,
    );
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(body).toEqual({
      client_id: expect.stringMatching(/^cli_\w{22}$/),
      client_id_issued_at: expect.any(Number),
      client_secret: expect.stringMatching(/^gws_[\w-]{43}$/),
      client_secret_expires_at: 0,
      registration_access_token: expect.stringMatching(/^gwm_[\w-]{43}$/),
      registration_client_uri: `${server.issuer}/oauth2/register/${body['client_id']}`,
      client_name: 'Meadow',
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid profile email',
      redirect_uris: [CALLED_BACK],
      post_logout_redirect_uris: [],
      subject_type: 'public',
      id_token_signed_response_alg: 'RS256',
      backchannel_logout_uri: 'https://notes.example.org/logout',
      backchannel_logout_session_required: true,
      require_pushed_authorization_requests: true,
    });
    expect(await eventsOf(String(body['client_id']))).toEqual([['client.registered', id]]);
  });
});

describe('a registered application manages itself (RFC 7592)', () => {
  it('reads what is registered, but never its secret or token again', async () => {
    const client = await registered(server, token);
    const { status, body } = await manage(server, 'GET', client);
    const { client_secret: _, client_secret_expires_at: __, registration_access_token: ___, ...rest } = client;
    expect([status, body]).toEqual([200, rest]);
  });

  it('replaces all of it; its token is spent by that, its secret stays', async () => {
    const client = await registered(server, token, { logo_uri: 'https://notes.example.org/logo.png' });
    const { logo_uri: _, ...rest } = own(client);
    const changed = await manage(server, 'PUT', client, {
      ...rest,
      client_secret: client.client_secret,
      tos_uri: 'https://notes.example.org/tos',
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ tos_uri: 'https://notes.example.org/tos', client_id: client.client_id });
    expect(changed.body).not.toHaveProperty('logo_uri');
    expect(changed.body).not.toHaveProperty('client_secret');
    expect((await manage(server, 'GET', client)).status).toBe(401);
    const next = String(changed.body['registration_access_token']);
    expect((await manage(server, 'GET', client, null, next)).status).toBe(200);
    const { party } = await partyOf(client);
    expect(await party.introspect('nothing')).toEqual({ active: false });
    expect(await eventsOf(client.client_id)).toEqual([
      ['client.registered', expect.stringMatching(/^rgt_/)],
      ['client.self_updated', client.client_id],
    ]);
  });

  it('gets a secret where it needs one, and loses it where it does not', async () => {
    const keys = { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: '1' }] };
    const client = await registered(server, token, { token_endpoint_auth_method: 'private_key_jwt', jwks: keys });
    expect(client).not.toHaveProperty('client_secret');
    const body = { ...own(client), token_endpoint_auth_method: 'client_secret_post' };
    const changed = await manage(server, 'PUT', client, body);
    expect(changed.body).toMatchObject({ client_secret: expect.stringMatching(/^gws_/), client_secret_expires_at: 0 });
    const next = String(changed.body['registration_access_token']);
    expect((await manage(server, 'PUT', client, own(client), next)).status).toBe(200);
    expect(await server.app.stores.clients.secrets(client.client_id)).toEqual([]);
  });

  it('under another name or to another address is what nobody has allowed: people are asked again, tokens end', async () => {
    const client = await registered(server, token, { redirect_uris: [CALLBACK] });
    const { party } = await partyOf(client);
    const account = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const { authorization, page } = await ask({ party, agent });
    const tokens = await party.redeem(await signIn(agent, page, account), authorization);
    expect((await ask({ party, agent })).page.url).toMatch(CALLBACK);

    const same = await manage(server, 'PUT', client, { ...own(client), tos_uri: 'https://notes.example.org/tos' });
    expect((await ask({ party, agent })).page.url).toMatch(CALLBACK);
    const renamed = { ...own(client), client_name: 'Meadow Diary' };
    const other = await manage(server, 'PUT', client, renamed, String(same.body['registration_access_token']));
    const asked = await ask({ party, agent });
    expect(textOf(asked.page.html)).toContain('Allow Meadow Diary?');
    await allow(agent, asked.page);
    expect((await ask({ party, agent })).page.url).toMatch(CALLBACK);

    const next = String(other.body['registration_access_token']);
    server.passTime(2_000);
    const moved = { ...renamed, redirect_uris: [CALLBACK, 'https://elsewhere.example/callback'] };
    expect((await manage(server, 'PUT', client, moved, next)).status).toBe(200);
    const again = await ask({ party, agent });
    expect(textOf(again.page.html)).toContain('Allow Meadow Diary?');
    await expect(party.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('ends itself with all that was issued to it', async () => {
    const client = await registered(server, token, { redirect_uris: [CALLBACK] });
    const { party } = await partyOf(client);
    const account = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const { authorization, page } = await ask({ party, agent });
    const tokens = await party.redeem(await signIn(agent, page, account), authorization);
    expect((await manage(server, 'DELETE', client)).status).toBe(204);
    expect(await server.app.stores.clients.find(client.client_id)).toBeNull();
    await expect(party.userinfo(tokens.access_token, account.id)).rejects.toThrow();
    expect((await manage(server, 'GET', client)).status).toBe(401);
    expect(await eventsOf(client.client_id)).toContainEqual(['client.self_deleted', client.client_id]);
  });

  it('no more once an operator has disabled it, or taken that away', async () => {
    const { clients } = server.app.stores;
    const [disabled, revoked] = [await registered(server, token), await registered(server, token)];
    await clients.setStatus(disabled.client_id, 'disabled', BY_OPERATOR);
    expect(await clients.endSelfManagement(revoked.client_id, BY_OPERATOR)).toBe(true);
    for (const client of [disabled, revoked]) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? own(client) : null;
        expect((await manage(server, method, client, body)).status).toBe(401);
      }
      expect(await clients.find(client.client_id)).toMatchObject({ name: 'Meadow Notes' });
    }
  });

  it('and keeps what an operator has set since', async () => {
    const client = await registered(server, token);
    const { clients } = server.app.stores;
    const stored = await clients.find(client.client_id);
    if (!stored) throw new Error('not registered');
    const settings = { ...stored.settings, minimumLevel: 'two-factor' as const, scopes: ['openid', 'offline_access'] };
    await clients.update({ ...stored, settings, name: 'Meadow' }, BY_OPERATOR);
    const changed = await manage(server, 'PUT', client, { ...own(client), scope: 'openid offline_access' });
    expect([changed.status, changed.body['scope']]).toEqual([200, 'openid offline_access']);
    expect(await clients.find(client.client_id)).toMatchObject({ settings: { minimumLevel: 'two-factor' } });
  });
});
