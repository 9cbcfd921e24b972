import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { bearer } from '../support/endpoint.ts';
import {
  aRegistrationToken,
  ask,
  manage,
  own,
  type Registered,
  register,
  registered,
} from '../support/registration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { refusals, web } from './refused-registration.ts';

/*
 * The attacker has a registration token of somebody else, or needs none, and wants to change another's registration, to
 * make more of its own, or to fill the tables.
 */

let server: TestServer;
let open: TestServer;
let token = '';

beforeAll(async () => {
  server = await startTestServer({ REGISTRATION: 'token', TRUSTED_PROXIES: '127.0.0.1,::1' });
  open = await startTestServer({ REGISTRATION: 'open', REGISTRATION_LIMIT: '25', TRUSTED_PROXIES: '127.0.0.1,::1' });
  ({ token } = await aRegistrationToken(server));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await open[Symbol.asyncDispose]();
});

const refused = refusals(() => ({ server, token }));
const count = async () => (await server.app.stores.clients.list()).length;

describe('without the right token', () => {
  it.each([
    ['none', {}],
    ['an unknown one', { authorization: `Bearer gwi_${'x'.repeat(43)}` }],
    ['an empty one', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: 'Basic Z3c6Z3c=' }],
    ['two', { authorization: 'Bearer a, Bearer b' }],
    ['one of 10,000 characters', { authorization: `Bearer ${'x'.repeat(10_000)}` }],
  ])('nobody registers: %s', async (_what, headers) => {
    const answer = await register(server, web, null, headers as Record<string, string>);
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
    const scheme = 'authorization' in headers ? 'Bearer error="invalid_token"' : 'Bearer';
    expect(answer.headers.get('www-authenticate')).toBe(scheme);
    const openly = 'authorization' in headers ? 401 : 201;
    expect((await register(open, web, null, headers as Record<string, string>)).status).toBe(openly);
  });

  it('nobody registers with one in the address or the body, by a management token, or once it is spent or revoked', async () => {
    const { token: once, id } = await aRegistrationToken(server, {}, 2);
    expect((await ask(server, 'POST', `/oauth2/register?access_token=${once}`, web)).status).toBe(401);
    expect((await register(server, { ...web, access_token: once }, null)).status).toBe(401);
    const client = await registered(server, once);
    expect((await register(server, web, client.registration_access_token)).status).toBe(401);
    await refused({ ...web, scope: 'admin' }, 'invalid_client_metadata', once);
    await registered(server, once);
    expect((await register(server, web, once)).status).toBe(401);
    const { token: revoked, id: other } = await aRegistrationToken(server);
    await server.app.stores.registrationTokens.revoke(other, BY_OPERATOR);
    expect((await register(server, web, revoked)).status).toBe(401);
    expect(id).not.toBe(other);
  });

  it('ten at the same moment with one use left make one client', async () => {
    const { token: once } = await aRegistrationToken(server, {}, 1);
    const before = await count();
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await register(server, web, once)).status),
    );
    expect(statuses.sort()).toEqual([201, ...Array(9).fill(401)]);
    expect(await count()).toBe(before + 1);
  });

  it('nobody reads, changes or deletes a registration, nor learns whether there is one', async () => {
    const [mine, theirs] = [await registered(server, token), await registered(server, token)];
    const unknown = { ...theirs, client_id: 'cli_there-is-none' } as Registered;
    const seen = new Set<string>();
    for (const target of [
      theirs,
      unknown,
      { ...theirs, client_id: '%00' },
      { ...theirs, client_id: 'gatewright-account' },
    ]) {
      for (const presented of [
        mine.registration_access_token,
        token,
        String(mine.client_secret),
        'gwr_x',
        'null',
        'undefined',
      ]) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? own(theirs) : null;
          const answer = await manage(server, method, target, body, presented);
          seen.add(JSON.stringify([answer.status, answer.headers.get('www-authenticate'), answer.body]));
        }
      }
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toMatch(/^\[401,"Bearer error=/);
    expect((await manage(server, 'GET', theirs)).status).toBe(200);
    expect((await ask(server, 'GET', `/oauth2/register/${theirs.client_id}`)).status).toBe(401);
  });
});

describe('with its own token, a client', () => {
  const put = async (client: Registered, some: object) =>
    (await manage(server, 'PUT', client, { ...own(client), ...some })).body;

  it('does not become another, nor chooses its secret or token', async () => {
    const [mine, theirs] = [await registered(server, token), await registered(server, token)];
    for (const some of [
      ...[{ client_id: theirs.client_id }, { client_id: null }, { client_id: ['x'] }, { client_secret: 'chosen' }],
      ...[
        { client_secret: theirs.client_secret },
        { client_secret: [mine.client_secret] },
        { client_secret_expires_at: 0 },
      ],
      ...[
        { registration_access_token: mine.registration_access_token },
        { registration_client_uri: 'https://evil.example/' },
      ],
      ...[{ client_id_issued_at: 1 }, { token_endpoint_auth_method: 'none' }, { scope: 'openid offline_access' }],
      ...[{ redirect_uris: ['javascript:alert(1)'] }, { redirect_uris: [] }, { client_name: 'Gatewright' }],
    ]) {
      expect([some, (await put(mine, some)).error]).toEqual([
        some,
        expect.stringMatching(/^invalid_(client|redirect)/),
      ]);
    }
    expect((await manage(server, 'GET', mine)).body['client_name']).toBe('Meadow Notes');
    expect(await put(mine, { client_secret: mine.client_secret, client_name: null })).toMatchObject({
      client_name: mine.client_id,
    });
  });

  it('stays within the policy of its token, whatever has become of that', async () => {
    const policy = { redirectHosts: ['app.example.org'] };
    const { token: bound, id } = await aRegistrationToken(server, policy, 1);
    const client = await registered(server, bound, { redirect_uris: ['https://app.example.org/cb'] });
    await server.app.stores.registrationTokens.revoke(id, BY_OPERATOR);
    expect((await put(client, { redirect_uris: ['https://evil.example/cb'] })).error).toBe('invalid_redirect_uri');

    // Where an operator lets people go after signing out, codes do not go.
    const { clients } = server.app.stores;
    const stored = await clients.find(client.client_id);
    if (!stored) throw new Error('gone');
    const settings = { ...stored.settings, postLogoutRedirectUris: ['https://www.example.org/'] };
    await clients.update({ ...stored, settings }, BY_OPERATOR);
    expect((await put(client, { redirect_uris: ['https://www.example.org/'] })).error).toBe('invalid_redirect_uri');
    expect((await put(client, { post_logout_redirect_uris: ['https://www.example.org/'] })).error).toBeUndefined();
  });

  it('changes it by these methods only, and no page of another origin reads an answer', async () => {
    const client = await registered(server, token);
    const path = `/oauth2/register/${client.client_id}`;
    const own = { authorization: `Bearer ${client.registration_access_token}`, origin: 'https://evil.example' };
    for (const [method, at, allow] of [
      ...[
        ['POST', path, 'GET, PUT, DELETE'],
        ['PATCH', path, 'GET, PUT, DELETE'],
        ['OPTIONS', path, 'GET, PUT, DELETE'],
      ],
      ...[
        ['GET', '/oauth2/register', 'POST'],
        ['PUT', '/oauth2/register', 'POST'],
        ['OPTIONS', '/oauth2/register', 'POST'],
      ],
    ] as [string, string, string][]) {
      const { status, headers } = await ask(server, method, at, null, own);
      expect([method, at, status, headers.get('allow')]).toEqual([method, at, 405, allow]);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
    const { status, headers } = await ask(server, 'GET', path, null, own);
    expect([status, headers.get('access-control-allow-origin'), headers.get('cache-control')]).toEqual([
      200,
      null,
      'no-store',
    ]);
  });

  it('leaves no token or secret in the log, and every refused try by its code', async () => {
    const client = await registered(server, token);
    await register(server, web, 'gwi_a-token-of-nobody-that-was-tried');
    const log = server.logged.join('');
    for (const secret of [
      token,
      client.registration_access_token,
      String(client.client_secret),
      'gwi_a-token-of-nobody',
    ]) {
      expect(log).not.toContain(secret);
    }
    expect(log).not.toContain(client.client_id);
    expect(log).toMatch(/"route":"\/oauth2\/register","error":"invalid_token","msg":"registration refused"/);
  });
});

describe('where anybody may come', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });

  it('one address writes ten times in an hour, and all together as many as may wait for their first user', async () => {
    const statuses = [];
    for (let at = 0; at < 11; at += 1) statuses.push((await register(open, web, null, from('203.0.113.1'))).status);
    expect(statuses).toEqual([...Array(10).fill(201), 429]);
    const headers = { ...bearer('gwr_of-nobody'), ...from('203.0.113.1') };
    expect((await ask(open, 'PUT', '/oauth2/register/cli_1', web, headers)).status).toBe(429);
    expect((await ask(open, 'GET', '/oauth2/register/cli_1', null, headers)).status).toBe(401);
    const more = [];
    for (let at = 0; at < 20; at += 1) more.push(await register(open, web, null, from(`203.0.113.${10 + at}`)));
    const full = more.filter(({ status }) => status === 503);
    expect((await open.app.stores.clients.list()).length).toBe(25);
    expect(full[0]?.body.error).toBe('temporarily_unavailable');
    expect(full.length).toBeGreaterThan(0);
    const { token: given } = await aRegistrationToken(open);
    expect((await register(open, web, given, from('203.0.113.1'))).status).toBe(201);
  });

  it('nobody registers a machine, an API, or for more than to sign people in', async () => {
    for (const some of [
      { redirect_uris: [], grant_types: ['client_credentials'] },
      { ...web, scope: 'openid offline_access' },
    ]) {
      expect((await register(open, some, null, from('203.0.113.99'))).body.error).toBe('invalid_client_metadata');
    }
  });
});
