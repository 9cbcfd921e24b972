import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMetadata } from '../../src/registration/asked.ts';
import { DEFAULT_POLICY } from '../../src/registration/policy.ts';
import { wantedClient } from '../../src/registration/wanted-client.ts';
import { aRegistrationToken, CALLED_BACK, register } from '../support/registration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { native, refusals, web } from './refused-registration.ts';

/*
 * The attacker has a registration token, and wants to be sent codes of others, to have this server call addresses inside,
 * or to be taken for somebody else.
 */

let server: TestServer;
let token = '';

beforeAll(async () => {
  server = await startTestServer({ REGISTRATION: 'token', TRUSTED_PROXIES: '127.0.0.1,::1' });
  ({ token } = await aRegistrationToken(server));
});
afterAll(() => server[Symbol.asyncDispose]());

const refused = refusals(() => ({ server, token }));

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
    for (const address of [
      ...['org.example.app:/cb', 'http://127.0.0.1/cb'],
      // Opened by whatever program has claimed the scheme.
      ...['com.evil.app://app.example.org/cb', 'com.evil.app://a.preview.example.org:99/cb'],
    ]) {
      await refused({ ...native, redirect_uris: [address] }, 'invalid_redirect_uri', bound);
    }
    await refused(
      { redirect_uris: ['https://app.example.org/'], post_logout_redirect_uris: ['https://evil.example/'] },
      'invalid_redirect_uri',
      bound,
    );
  });

  it('are the own machine of a person for programs only, where this server is at a public address', async () => {
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
    // Read by one parser as another address than by the next.
    for (const address of [
      'https:\\\\notes.example.org',
      'https://notes.example.org/\u0000',
      'https://nоtes.example.org/',
    ]) {
      await refused({ ...web, [field]: address });
    }
  });
});
