import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DEFAULT_POLICY } from '../../src/registration/policy.ts';
import { bearer } from '../support/endpoint.ts';
import {
  aRegistrationToken,
  ask,
  CALLED_BACK,
  manage,
  own,
  type Registered,
  register,
  registered,
} from '../support/registration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/*
 * The attacker has a registration token, or needs none, and wants to be taken for somebody else, to be sent codes of
 * others, to have this server call addresses inside, to change another's registration, or to fill the tables.
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

const web = { client_name: 'Meadow Notes', redirect_uris: [CALLED_BACK] };
const native = { application_type: 'native', token_endpoint_auth_method: 'none' };
const count = async () => (await server.app.stores.clients.list()).length;

async function refused(body: unknown, expected = 'invalid_client_metadata', presented = token) {
  const before = await count();
  const answer = await register(server, body, presented);
  expect([answer.status, answer.body.error]).toEqual([400, expected]);
  expect(answer.body['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]{10,300}$/);
  expect(await count()).toBe(before);
  return String(answer.body['error_description']);
}

describe('addresses that people are sent to', () => {
  it.each([
    ['a script', 'javascript:alert(1)'],
    ['a script of a program', 'javascript:alert(1)//a.b', native],
    ['data', 'data:text/html,<script>', native],
    ['a fragment', `${CALLED_BACK}#x`],
    ['an empty fragment', `${CALLED_BACK}#`],
    ['http', 'http://notes.example.org/callback'],
    ['a host that begins like this machine', 'http://localhost.example.org/'],
    ['one that resolves to this machine', 'http://127.0.0.1.nip.io/'],
    ['this machine as a number', 'http://2130706433/cb', native],
    ['this machine in octal', 'http://0177.0.0.1/cb', native],
    ['this machine, shortened', 'http://127.1/cb', native],
    ['a name before the host', 'https://trusted.example@evil.example/'],
    ['a password before the host', 'https://:trusted.example@evil.example/'],
    ['a backslash', 'https:\\\\evil.example/'],
    ['a tab in the host', 'https://ev\til.example/'],
    ['a space before', ` ${CALLED_BACK}`],
    ['capitals', 'https://Notes.Example.org/callback'],
    ['another alphabet', 'https://nоtes.example.org/callback'],
    ['a full stop of another alphabet', 'https://notes。example.org/callback'],
    ['steps upwards', 'https://notes.example.org/a/../callback'],
    ['NUL', 'https://notes.example.org/\u0000'],
    ['no address', 'callback'],
  ] as [string, string, object?][])('may not be %s', async (_what, address, some = {}) => {
    await refused({ ...web, ...some, redirect_uris: [address] }, 'invalid_redirect_uri');
  });

  it('are needed, and those after signing out are held to the same', async () => {
    await refused({ client_name: 'Meadow' }, 'invalid_redirect_uri');
    await refused({ ...web, redirect_uris: [] }, 'invalid_redirect_uri');
    await refused({ ...web, post_logout_redirect_uris: ['https://Notes.example.org/'] }, 'invalid_redirect_uri');
    await refused({ ...web, post_logout_redirect_uris: ['javascript:alert(1)'] });
  });

  it('are at the hosts of the policy, and nowhere that looks like them', async () => {
    const policy = { redirectHosts: ['*.preview.example.org', 'app.example.org'] };
    const { token: bound } = await aRegistrationToken(server, policy);
    for (const host of ['a.preview.example.org', 'a.b.preview.example.org', 'app.example.org']) {
      expect((await register(server, { redirect_uris: [`https://${host}/cb`] }, bound)).status).toBe(201);
    }
    for (const address of [
      ...[
        'https://preview.example.org/cb',
        'https://evilpreview.example.org/cb',
        'https://app.example.org.evil.example/',
      ],
      ...['https://evil.example/?app.example.org', 'https://x.app.example.org/', 'https://.preview.example.org/'],
    ]) {
      await refused({ redirect_uris: [address] }, 'invalid_redirect_uri', bound);
      await refused({ redirect_uris: ['https://app.example.org/', address] }, 'invalid_redirect_uri', bound);
    }
    for (const address of ['org.example.app:/cb', 'http://127.0.0.1/cb']) {
      await refused({ ...native, redirect_uris: [address] }, 'invalid_redirect_uri', bound);
    }
    await refused(
      { redirect_uris: ['https://app.example.org/'], post_logout_redirect_uris: ['https://evil.example/'] },
      'invalid_redirect_uri',
      bound,
    );
  });

  it('are the own machine of a person for programs only, where this server is at a public address', async () => {
    const { wantedClient } = await import('../../src/registration/wanted-client.ts');
    const { readMetadata } = await import('../../src/registration/asked.ts');
    const want = (body: object, loopback: boolean) =>
      wantedClient('cli_1', readMetadata(body as never), DEFAULT_POLICY, null, { siteName: 'Gatewright', loopback });
    const there = { redirect_uris: ['http://localhost:8080/cb'] };
    expect(() => want(there, false)).toThrow('application_type native is for programs there');
    expect(want(there, true).type).toBe('web');
    expect(want({ ...there, ...native }, false).type).toBe('native');
    const called = { ...web, jwks_uri: 'http://127.0.0.1/keys' };
    expect(() => want(called, false)).toThrow('jwks_uri must be https');
    expect(want(called, true).settings.jwksUri).toBe('http://127.0.0.1/keys');
  });
});

describe('addresses that this server calls', () => {
  it.each([
    ...['http://169.254.169.254/latest', 'https://169.254.169.254/latest', 'https://10.0.0.1/', 'https://[fd00::1]/'],
    ...[
      'https://2852039166/',
      'https://[::ffff:a9fe:a9fe]/',
      'https://0.0.0.0/',
      'https://198.51.100.7/',
      'file:///etc/passwd',
      'gopher://a.example/',
      'https://a:b@c.example/',
    ],
  ])('lead nowhere inside: %s', async (address) => {
    const description = await refused({ ...web, jwks_uri: address });
    expect(description).toContain('jwks_uri');
    await refused({ ...web, backchannel_logout_uri: address });
  });

  it('are one source of keys, public ones', async () => {
    const rsa = { kty: 'RSA', n: 'AQAB', e: 'AQAB' };
    const jwks = { keys: [rsa] };
    await refused({ ...web, jwks, jwks_uri: 'https://notes.example.org/keys' });
    for (const bad of [
      ...[
        { keys: [{ ...rsa, d: 'x' }] },
        { keys: [{ kty: 'oct', k: 'x' }] },
        { keys: [] },
        { keys: 'x' },
        { keys: [null] },
      ],
      ...[[], 'x', {}, { keys: Array(21).fill(rsa) }],
    ]) {
      await refused({ ...web, jwks: bad });
    }
  });
});

describe('what people are shown', () => {
  it.each([
    ['the name of this server', 'Gatewright'],
    ['the name of this server, in disguise', ' ＧＡＴＥ wright. '],
    ['control characters', 'Meadow\u0007'],
    ['a turn of direction', 'Meadow\u202egpj.exe'],
    ['an isolate', 'Meadow\u2066x'],
    ['what nobody sees', 'Mea\u200bdow'],
    ['a joiner', 'Mea\u200ddow'],
    ['a filler', 'Mea\u3164dow'],
    ['a line break', 'Meadow\nverified by the operator'],
    ['a line separator', 'Meadow\u2028verified'],
    ['letters that look like others', 'Mеadow'],
    ['spaces', '   '],
    ['101 characters', 'a'.repeat(101)],
  ])('is not %s', async (_what, name) => {
    await refused({ ...web, client_name: name });
  });

  it('is the id where there is no name, and other alphabets are as good', async () => {
    const { client_name: _, ...nameless } = web;
    const { body } = await register(server, nameless, token);
    expect(body['client_name']).toBe(body['client_id']);
    for (const name of ['Записная книжка', 'メモ', 'Ärger & Söhne']) {
      expect((await register(server, { ...web, client_name: name }, token)).status).toBe(201);
    }
  });

  it.each(['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'])('is no script behind %s', async (field) => {
    await refused({ ...web, [field]: 'javascript:alert(1)' });
    await refused({ ...web, [field]: 'http://notes.example.org/' });
  });
});

describe('what a registration never gives', () => {
  it('is more than the policy says', async () => {
    await refused({ ...web, scope: 'openid offline_access' });
    await refused({ ...web, scope: 'openid orders:delete' });
    await refused({ redirect_uris: [], grant_types: ['client_credentials'] });
    await refused({ ...web, grant_types: ['authorization_code', 'client_credentials'] });
    await refused({ ...web, grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'] });
    const secrets = await aRegistrationToken(server, { authMethods: ['private_key_jwt'] });
    await refused(web, 'invalid_client_metadata', secrets.token);
    const machines = await aRegistrationToken(server, { types: ['service'] });
    await refused(web, 'invalid_client_metadata', machines.token);
  });

  it('is what only an operator sets, by whatever name it is asked for', async () => {
    const { token: strict } = await aRegistrationToken(server, { minimumLevel: 'two-factor' });
    const wishes = {
      ...{
        firstParty: true,
        first_party: true,
        pkceRequired: false,
        type: 'resource',
        audience: 'https://api.example.org',
      },
      ...{ audiences: ['https://api.example.org'], minimumLevel: 'one-factor', status: 'active', registeredBy: null },
      ...{ client_id: 'gatewright-account', id: 'gatewright-account', client_secret: 'mine', accounts: 'listed' },
    };
    const client = await registered(server, strict, wishes);
    expect(client.client_id).toMatch(/^cli_/);
    expect(client.client_secret).toMatch(/^gws_/);
    expect(await server.app.stores.clients.find(client.client_id)).toMatchObject({
      ...{ type: 'web', audience: null, managesItself: true },
      settings: {
        firstParty: false,
        pkceRequired: true,
        audiences: [],
        minimumLevel: 'two-factor',
        accounts: 'everyone',
      },
    });
  });

  it('is promised where it is not done', async () => {
    for (const some of [
      ...[
        { subject_type: 'pairwise' },
        { id_token_signed_response_alg: 'none' },
        { id_token_signed_response_alg: 'HS256' },
      ],
      ...[{ id_token_encrypted_response_alg: 'RSA-OAEP' }, { userinfo_encrypted_response_enc: 'A128GCM' }],
      ...[{ userinfo_signed_response_alg: 'RS256' }, { token_endpoint_auth_method: 'client_secret_jwt' }],
      ...[
        { token_endpoint_auth_method: 'tls_client_auth' },
        { response_types: ['token'] },
        { response_types: ['code', 'none'] },
      ],
      ...[
        { grant_types: ['implicit'] },
        { grant_types: ['password'] },
        { grant_types: [] },
        { application_type: 'spa' },
      ],
    ]) {
      await refused({ ...web, ...some });
    }
    await refused({ ...web, software_statement: 'a.b.c' }, 'unapproved_software_statement');
  });
});

describe('a body that is none', () => {
  it.each([
    ...[
      '',
      '[]',
      '"x"',
      'null',
      '{',
      '{"a":1,}',
      '1',
      '{"client_name":"a","client_name":"b","redirect_uris":["https://a.example/"]}',
    ],
    ...['{"jwks":{"keys":[],"keys":[]}}', '{"a":{"b\\u0061":1,"ba":2}}', `${'['.repeat(8000)}${']'.repeat(8000)}`],
  ])('%.60s', async (body) => {
    await refused(body);
  });

  it('says the same name in two objects, or in a text', async () => {
    const jwks = {
      keys: [
        { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
        { kty: 'RSA', n: 'AQAC', e: 'AQAB' },
      ],
    };
    const name = '{"a":1,"a":2} \\" {';
    expect((await register(server, { ...web, client_name: name, jwks }, token)).status).toBe(201);
  });

  it.each([
    ...[
      { redirect_uris: 'https://a.example/' },
      { redirect_uris: [1] },
      { redirect_uris: { 0: 'https://a.example/' } },
    ],
    ...[
      {
        redirect_uris: Array(21)
          .fill(0)
          .map((_, at) => `https://a.example/${at}`),
      },
      { client_name: 1 },
      { scope: ['openid'] },
    ],
    ...[
      { client_name: { toString: 'x' } },
      { grant_types: 'authorization_code' },
      { dpop_bound_access_tokens: 'true' },
    ],
    ...[{ contacts: 'me' }, { software_id: 7 }, { tos_uri: `https://a.example/${'x'.repeat(2001)}` }, { scope: 'a"b' }],
  ])('has a value of another kind: %j', async (some) => {
    await refused({ ...web, ...some });
  });

  it('is too large, in one piece or in many, or no JSON by its header', async () => {
    const large = JSON.stringify({ ...web, padding: 'x'.repeat(1024 * 1024) });
    const many = JSON.stringify({ ...web, redirect_uris: Array(10_000).fill('https://a.example/') });
    for (const body of [large, many]) {
      const answer = await register(server, body, token);
      expect([answer.status, answer.body.error]).toEqual([413, 'invalid_request']);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '']) {
      const answer = await register(server, web, token, { 'content-type': type });
      expect([type, answer.status, answer.body.error]).toEqual([type, 415, 'invalid_request']);
    }
  });

  it('reaches no prototype', async () => {
    const body = `{"__proto__":{"client_name":"polluted","firstParty":true},"constructor":{"prototype":{"scope":"admin"}},
      "redirect_uris":["https://a.example/"],"jwks":null,"toString":"x","hasOwnProperty":1}`;
    const { status, body: made } = await register(server, body, token);
    expect([status, made['client_name'], made['scope']]).toEqual([201, made['client_id'], 'openid profile email']);
    expect(({} as Record<string, unknown>)['client_name']).toBeUndefined();
    await refused('{"__proto__":{"redirect_uris":["https://a.example/"]}}', 'invalid_redirect_uri');
  });
});

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
