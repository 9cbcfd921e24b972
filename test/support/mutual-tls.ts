import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { CN, FOR_SERVERS, type Issued, issue } from './certificates.ts';
import { freePort } from './free-port.ts';
import { startTestServer, type TestServer } from './server.ts';

/** Whose certificates the servers of tests have, and those of clients of a public key infrastructure. */
export const AUTHORITY = issue({ subject: [[[CN, 'Test authority']]], authority: true });

/** One that the platform trusts, as it does those of the public web, and no server of tests lists. */
export const PUBLIC_AUTHORITY = issue({ subject: [[[CN, 'Public authority']]], authority: true });

export interface TlsServer extends TestServer {
  /** Where certificates are asked for. */
  mutualTlsOrigin: string;
  certFile: string;
  keyFile: string;
  authorityFile: string;
}

export const serverCertificate = (): Issued =>
  issue({ subject: [[[CN, 'localhost']]], names: [{ dns: 'localhost' }], by: AUTHORITY, uses: [FOR_SERVERS] });

/** A whole server that speaks TLS by itself, and asks for certificates at a port of its own. */
export async function startTlsServer(env: Record<string, string> = {}): Promise<TlsServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-tls-'));
  const { cert, key } = serverCertificate();
  const files = {
    certFile: path.join(folder, 'cert.pem'),
    keyFile: path.join(folder, 'key.pem'),
    authorityFile: path.join(folder, 'authorities.pem'),
  };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key, { mode: 0o600 });
  writeFileSync(files.authorityFile, AUTHORITY.cert);
  const port = await freePort();
  // The platform's own fetch has no other way to know an authority.
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, AUTHORITY.cert, PUBLIC_AUTHORITY.cert]);
  const server = await startTestServer({
    ...{
      MTLS_PORT: String(port),
      TLS_CERT_FILE: files.certFile,
      TLS_KEY_FILE: files.keyFile,
      MTLS_CA_FILE: files.authorityFile,
    },
    ...env,
  });
  const dispose = server[Symbol.asyncDispose];
  return Object.assign(server, {
    ...{ ...files, mutualTlsOrigin: `https://localhost:${port}` },
    async [Symbol.asyncDispose]() {
      await dispose();
      tls.setDefaultCACertificates(before);
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

export interface Showing {
  /** Shown in the handshake. */
  client?: Pick<Issued, 'cert' | 'key'> | null;
  /** Where the name leads to. */
  authority?: string;
}

/** A fetch whose requests show a certificate, since the platform's own cannot. */
export function fetchWith({ client = null, authority = AUTHORITY.cert }: Showing = {}): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const body = Buffer.from(await request.arrayBuffer());
    const options = {
      ...{ method: request.method, headers: Object.fromEntries(request.headers), agent: false },
      ...{ ca: authority, ...(client && { cert: client.cert, key: client.key }) },
    };
    return new Promise((resolve, reject) => {
      const sent = (url.protocol === 'https:' ? https : http).request(url, options, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const headers = new Headers();
          for (const [name, value] of Object.entries(res.headers)) {
            for (const each of [value ?? []].flat()) headers.append(name, each);
          }
          const { statusCode: status = 0 } = res;
          resolve(new Response([204, 304].includes(status) ? null : Buffer.concat(chunks), { status, headers }));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  };
}
