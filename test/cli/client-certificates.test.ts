import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CN, issue } from '../support/certificates.ts';
import { installation } from './gatewright.ts';

describe.concurrent('a client with a certificate', { timeout: 90_000 }, () => {
  const SERVICE = ['client', 'create', '--type', 'service', '--name', 'Billing'];
  const NAMED = [...SERVICE, '--auth-method', 'tls_client_auth', '--certificate-san-dns', 'billing.example.org'];

  it('is registered by what an authority calls it, and called otherwise later', async () => {
    const { env, run, json } = installation();
    env['CLIENT_CERT_HEADER'] = 'Client-Cert';
    env['TRUSTED_PROXIES'] = '127.0.0.1';
    const made = await run([...NAMED, '--id', 'billing', '--certificate-bound']);
    expect(made.stderr).toMatch(/warning: it is refused like a disabled one until the server is given MTLS_CA_FILE/);
    expect(made.stdout).toContain('certificate names  san-dns billing.example.org');
    expect(made.stdout).not.toContain('gws_');

    const subject = ['--certificate-subject-dn', 'CN=billing,O=Example', '--no-certificate-bound'];
    const { settings, secrets } = await json(['client', 'update', 'billing', ...subject]);
    expect(secrets).toEqual([]);
    expect(settings).toMatchObject({
      ...{ authMethod: 'tls_client_auth', certificateBound: false },
      certificateSubject: { by: 'subject_dn', value: 'CN=billing,O=Example' },
    });
    const bySecret = ['--auth-method', 'client_secret_basic', '--certificate-subject-dn', ''];
    const after = await json(['client', 'update', 'billing', ...bySecret]);
    expect(after.settings).toMatchObject({ certificateSubject: null });
  });

  it('is registered by its own, in PEM', async () => {
    const { root, run, json } = installation();
    const { cert, certificate } = issue({ subject: [[[CN, 'billing']]] });
    writeFileSync(path.join(root, 'cert.pem'), cert);
    const own = [...SERVICE, '--auth-method', 'self_signed_tls_client_auth', '--jwks', 'cert.pem'];
    const { secret, settings } = await json([...own, '--id', 'billing']);
    expect(secret).toBeNull();
    const key = certificate.publicKey.export({ format: 'jwk' });
    expect(settings).toMatchObject({ jwks: { keys: [{ ...key, x5c: [certificate.raw.toString('base64')] }] } });
    const shown = await run(['client', 'show', 'billing']);
    expect(shown.stdout).toMatch(/public keys +EC with certificate/);

    // The other one would be missed only once the client shows it.
    writeFileSync(path.join(root, 'cut.pem'), cert + cert.slice(0, -30));
    const cut = await run(['client', 'update', 'billing', '--jwks', 'cut.pem']);
    expect([cut.status, cut.stderr]).toEqual([1, expect.stringContaining('holds no JSON object and no certificate')]);
  });

  it('has one name, and one that a certificate can have', async () => {
    const { run } = installation();
    const twice = await run([...NAMED, '--certificate-san-ip', '192.0.2.1']);
    expect([twice.status, twice.stderr]).toEqual([1, expect.stringContaining('name only one of the options')]);
    const wild = await run([...SERVICE, '--auth-method', 'tls_client_auth', '--certificate-san-dns', '*.example.org']);
    expect([wild.status, wild.stderr]).toEqual([1, expect.stringContaining('must be a host name, without a wildcard')]);
  });
});
