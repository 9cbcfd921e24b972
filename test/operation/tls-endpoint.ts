import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, 'certificates');
/** Signed the certificates of that folder but `self-signed`. They are good from 2020 to 2120, `expired` to February 2020. */
export const AUTHORITY = path.join(FOLDER, 'authority.pem');

export type Certificate = 'good' | 'expired' | 'other-name' | 'self-signed';

export interface Front {
  origin: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Answers at a free port of this machine, over TLS where a certificate is named. */
export async function startFront(
  listener: http.RequestListener,
  tls: { certificate: Certificate; options?: https.ServerOptions } | null = null,
): Promise<Front> {
  const read = (name: string) => readFileSync(path.join(FOLDER, `${name}.pem`));
  const server = tls
    ? https.createServer({ key: read('key'), cert: read(tls.certificate), ...tls.options }, listener)
    : http.createServer(listener);
  // A handshake that is given up is what some of the tests are about.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls ? 'https' : 'http'}://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Passes a request on to a server, with headers changed on the way. */
export function passOn(
  to: { url: string },
  change: (headers: http.IncomingHttpHeaders) => http.IncomingHttpHeaders,
): http.RequestListener {
  return (req, res) => {
    const { hostname, port } = new URL(to.url);
    const onward = http.request(
      { hostname, port, method: req.method, path: req.url, headers: change({ ...req.headers }), agent: false },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      },
    );
    onward.on('error', () => res.writeHead(502).end());
    req.pipe(onward);
  };
}
