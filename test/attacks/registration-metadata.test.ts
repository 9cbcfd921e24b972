import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aRegistrationToken, register, registered } from '../support/registration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { refusals, web } from './refused-registration.ts';

/*
 * The attacker has a registration token, and wants to be given more than an operator would, or to have a body read in
 * another way than by whoever checked it before.
 */

let server: TestServer;
let token = '';

beforeAll(async () => {
  server = await startTestServer({ REGISTRATION: 'token', TRUSTED_PROXIES: '127.0.0.1,::1' });
  ({ token } = await aRegistrationToken(server));
});
afterAll(() => server[Symbol.asyncDispose]());

const refused = refusals(() => ({ server, token }));

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
