import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificatesAsKeys } from '../../src/cli/certificate-options.ts';
import { type Issued, issue, type Wanted } from '../support/certificates.ts';
import { AUTHORITY } from '../support/mutual-tls.ts';
import { send } from '../support/raw.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';

/*
 * A proxy asks for certificates and passes them on in a header. The attacker knows everybody's certificates, which are no
 * secret, and has no key of theirs. Tried: the header from elsewhere, beside the proxy's, through a hop that is not listed,
 * in a form that reads differently here and there; certificates that the proxy let pass without looking; the address that
 * is for certificates alone.
 */
const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';
const HEADER = 'client-cert';
const OTHER_HOST = 'mtls.example.org';

let server: TestServer;
let folder: string;
let own: TestClient;
let named: TestClient;
const registered = issue();
const issued = (wanted: Wanted = {}) => issue({ names: [{ dns: 'billing.example.org' }], by: AUTHORITY, ...wanted });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gatewright-authorities-'));
  const authorities = path.join(folder, 'authorities.pem');
  writeFileSync(authorities, AUTHORITY.cert);
  server = await startTestServer({
    ...{ CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: PROXY, MTLS_CA_FILE: authorities },
    MTLS_URL: `https://${OTHER_HOST}`,
  });
  await server.addClient('resource', { audience: 'https://api.example', scopes: ['read'] });
  const may = { audiences: ['https://api.example'], scopes: ['read'] };
  own = await server.addClient('service', {
    ...{ ...may, authMethod: 'self_signed_tls_client_auth', jwks: certificatesAsKeys(registered.cert) },
  });
  named = await server.addClient('service', {
    ...{ ...may, authMethod: 'tls_client_auth' },
    certificateSubject: { by: 'san_dns', value: 'billing.example.org' },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const base64 = ({ certificate }: Issued) => certificate.raw.toString('base64');
const bytes = (certificate: Issued) => `:${base64(certificate)}:`;
const form = { 'content-type': 'application/x-www-form-urlencoded' };

async function status(
  client: TestClient,
  headers: Record<string, string | string[]>,
  localAddress = PROXY,
): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client.id }).toString();
  const target = '/oauth2/token';
  return (await send(server, { method: 'POST', target, headers: { ...form, ...headers }, body, localAddress })).status;
}

describe('a certificate that a listed proxy passes on', () => {
  it.each<[string, (certificate: Issued) => string]>([
    ['as a byte sequence (RFC 9440)', bytes],
    ['as PEM, as nginx encodes it', ({ cert }) => encodeURIComponent(cert)],
    ['as PEM without its last line end', ({ cert }) => encodeURIComponent(cert.trim())],
    ['as base64 alone', base64],
    ['as base64, encoded once more', (certificate) => encodeURIComponent(base64(certificate))],
  ])('counts %s', async (_form, written) => {
    expect(await status(own, { [HEADER]: written(registered) })).toBe(200);
    expect(await status(own, { [HEADER]: written(issue()) })).toBe(401);
  });

  it.each<[string, string | string[]]>([
    ['empty', ''],
    ['without its content, as a proxy writes it that was shown none', '::'],
    ['twice', [bytes(registered), bytes(registered)]],
    ['a stranger’s before the proxy’s', [bytes(registered), bytes(issue())]],
    ['a stranger’s after the proxy’s', [bytes(issue()), bytes(registered)]],
    ['two in one', `${bytes(registered)}, ${bytes(issue())}`],
    ['two of PEM in one', encodeURIComponent(`${issue().cert}${registered.cert}`)],
    [
      'with something after it',
      `:${Buffer.concat([registered.certificate.raw, Buffer.from('x')]).toString('base64')}:`,
    ],
    ['with a parameter', `${bytes(registered)};x=1`],
    ['with an escape that is none', `${bytes(registered)}%zz`],
    ['as unescaped text before it', `x${encodeURIComponent(registered.cert)}`],
    ['as its key', encodeURIComponent(registered.key)],
    ['as noise', 'x'.repeat(8_000)],
  ])('does not count %s', async (_case, value) => {
    expect(await status(own, { [HEADER]: value })).toBe(401);
  });

  it('does not get in where it is too long', async () => {
    expect(await status(own, { [HEADER]: 'A'.repeat(16 * 1024) })).toBe(431);
    // Told so, or cut off before the end of it.
    const huge = await status(own, { [HEADER]: 'A'.repeat(100_000) }).catch((err: { code: string }) => err.code);
    expect(huge).toBeOneOf([431, 'ECONNRESET', 'EPIPE']);
  });

  it('does not count from anybody else, whoever they say they are', async () => {
    for (const headers of [{}, { 'x-forwarded-for': PROXY }, { 'x-forwarded-for': `203.0.113.1, ${PROXY}` }]) {
      expect(await status(own, { [HEADER]: bytes(registered), ...headers }, STRANGER)).toBe(401);
    }
    for (const name of ['x-client-cert', 'client_cert', 'x-forwarded-tls-client-cert', 'x-ssl-cert']) {
      expect(await status(own, { [name]: bytes(registered) })).toBe(401);
    }
  });

  it('proves a name only where a listed authority issued it itself, for clients, in its time', async () => {
    const now = Date.now();
    const twin = issue({ subject: [[['2.5.4.3', 'Test authority']]], authority: true });
    expect(await status(named, { [HEADER]: bytes(issued()) })).toBe(200);
    for (const wrong of [
      issued({ by: twin }),
      issued({ by: issued() }),
      issue({ names: [{ dns: 'billing.example.org' }] }),
      issued({ uses: ['1.3.6.1.5.5.7.3.1'] }),
      issued({ until: new Date(now - 1_000) }),
      issued({ from: new Date(now + 3_600_000) }),
      issued({ authority: true }),
      issued({ names: [{ dns: 'evil.example.org' }] }),
    ]) {
      expect(await status(named, { [HEADER]: bytes(wrong) })).toBe(401);
    }
  });
});

describe('the address for clients with certificates', () => {
  const get = async (target: string, localAddress: string, host = OTHER_HOST) =>
    send(server, { target, headers: { host }, localAddress });

  it('is there through a listed proxy alone, and has no pages', async () => {
    expect(await status(own, { [HEADER]: bytes(registered), host: OTHER_HOST })).toBe(200);
    expect(await status(own, { [HEADER]: bytes(registered), host: OTHER_HOST }, STRANGER)).toBe(421);
    for (const host of [`${OTHER_HOST}:443`, `x.${OTHER_HOST}`, `${OTHER_HOST}.`, 'example.org']) {
      expect(await status(own, { [HEADER]: bytes(registered), host })).toBe(421);
    }
    for (const target of [
      '/',
      '/account',
      '/oauth2/authorize',
      '/.well-known/openid-configuration',
      '/oauth2/logout',
      '/device',
    ]) {
      expect([target, (await get(target, PROXY)).status]).toEqual([target, 421]);
    }
    expect((await get('/oauth2/userinfo', PROXY)).status).toBe(401);
  });

  it('leads people to the issuer', async () => {
    const device = await server.addClient('native', { deviceGrant: true });
    const body = new URLSearchParams({ client_id: device.id, scope: 'openid' }).toString();
    const headers = { ...form, host: OTHER_HOST };
    const answer = await send(server, { method: 'POST', target: '/oauth2/device', headers, body, localAddress: PROXY });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(`"verification_uri":"${server.issuer}/device"`);
    expect(answer.text).not.toContain(OTHER_HOST);
  });
});

describe('where the server is not told how certificates arrive', () => {
  it('who depends on them is refused like a disabled client, and the header is one of many', async () => {
    await using plain = await startTestServer({ TRUSTED_PROXIES: PROXY });
    const body = (id: string) => new URLSearchParams({ grant_type: 'client_credentials', client_id: id }).toString();
    for (const settings of [
      { authMethod: 'self_signed_tls_client_auth' as const, jwks: certificatesAsKeys(registered.cert) },
      { authMethod: 'tls_client_auth' as const, certificateSubject: { by: 'subject_dn' as const, value: 'CN=x' } },
    ]) {
      const { id } = await plain.addClient('service', settings);
      const headers = { ...form, [HEADER]: bytes(registered) };
      const answer = await send(plain, { method: 'POST', target: '/oauth2/token', headers, body: body(id) });
      expect([answer.status, answer.body]).toEqual([401, expect.stringContaining('invalid_client')]);
    }
    // Otherwise it would get tokens that are bound to nothing.
    const { id, secret } = await plain.addClient('service', { certificateBound: true });
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const headers = { ...form, authorization };
    const bound = await send(plain, {
      method: 'POST',
      target: '/oauth2/token',
      headers,
      body: 'grant_type=client_credentials',
    });
    expect(bound.status).toBe(401);
    const { body: discovery } = await send(plain, { target: '/.well-known/openid-configuration' });
    expect(discovery).not.toMatch(/tls_client|mtls/);
  });
});
