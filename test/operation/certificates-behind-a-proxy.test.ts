import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { certificatesAsKeys } from '../../src/cli/certificate-options.ts';
import { type Issued, issue } from '../support/certificates.ts';
import { answerOf } from '../support/endpoint.ts';
import { freePort } from '../support/free-port.ts';
import { AUTHORITY, fetchWith, serverCertificate } from '../support/mutual-tls.ts';
import { startTestServer } from '../support/server.ts';

const hasCaddy = (process.env['PATH'] ?? '').split(':').some((each) => existsSync(`${each}/caddy`));

/** The lines of docs/operating.md, and what keeps Caddy to this test. */
const caddyfile = (port: number, folder: string, upstream: string) => `{
  admin off
  auto_https disable_redirects
}
localhost:${port} {
  tls ${folder}/cert.pem ${folder}/key.pem {
    client_auth {
      mode request
    }
  }
  reverse_proxy ${upstream} {
    header_up Client-Cert ":{http.request.tls.client.certificate_der_base64}:"
  }
}
`;

async function startCaddy(port: number, folder: string, upstream: string): Promise<void> {
  const file = path.join(folder, 'Caddyfile');
  writeFileSync(file, caddyfile(port, folder, upstream));
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { env, stdio: 'pipe' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('serving initial configuration')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`caddy ended with ${code}: ${said}`)));
  });
}

describe.skipIf(!hasCaddy)('Caddy, asking for certificates', () => {
  it('passes on the one that was shown, and nothing that a stranger writes', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-caddy-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { cert, key } = serverCertificate();
    for (const [name, text] of Object.entries({ cert, key, authorities: AUTHORITY.cert })) {
      writeFileSync(path.join(folder, `${name}.pem`), text);
    }
    const port = await freePort();
    await using server = await startTestServer({
      ...{ ISSUER: `https://localhost:${port}`, TRUSTED_PROXIES: '127.0.0.1', CLIENT_CERT_HEADER: 'Client-Cert' },
      MTLS_CA_FILE: path.join(folder, 'authorities.pem'),
    });
    await startCaddy(port, folder, new URL(server.url).host);

    await server.addClient('resource', { audience: 'https://api.example', scopes: ['read'] });
    const may = { audiences: ['https://api.example'], scopes: ['read'], certificateBound: true };
    const registered = issue();
    const own = await server.addClient('service', {
      ...{ ...may, authMethod: 'self_signed_tls_client_auth', jwks: certificatesAsKeys(registered.cert) },
    });
    const named = await server.addClient('service', {
      ...{ ...may, authMethod: 'tls_client_auth' },
      certificateSubject: { by: 'subject_dn', value: 'CN=somebody' },
    });
    const ask = async (id: string, client: Issued | null, headers: Record<string, string> = {}) =>
      answerOf(
        await fetchWith({ client })(`https://localhost:${port}/oauth2/token`, {
          ...{ method: 'POST', headers },
          body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id }),
        }),
      );

    const { status, body } = await ask(own.id, registered);
    expect([status, decodeJwt(body.access_token ?? '')['cnf']]).toEqual([200, { 'x5t#S256': expect.any(String) }]);
    const forged = { 'client-cert': `:${registered.certificate.raw.toString('base64')}:` };
    for (const [client, headers] of [
      [null, {}],
      [null, forged],
      [issue(), forged],
    ] as const) {
      expect(await ask(own.id, client, headers)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
    // The proxy lets any certificate pass, and this server looks whose it is.
    expect(await ask(named.id, issue({ by: AUTHORITY }))).toMatchObject({ status: 200 });
    expect(await ask(named.id, issue())).toMatchObject({ status: 401 });
  });
});
