import http, { type IncomingHttpHeaders } from 'node:http';
import net from 'node:net';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** Status line, headers and body as they came. */
  text: string;
}

export interface RawRequest {
  method?: string;
  /** As sent: a path, or whatever an attacker writes there. */
  target: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** An address of this machine that it comes from. */
  localAddress?: string;
  /** In pieces, without saying the length beforehand. */
  chunked?: boolean;
}

/** A request as no browser would send it. Without a `host` among its headers it has the server's own. */
export function send(
  server: { issuer: string; url: string },
  { method = 'GET', target, headers = {}, body, chunked = false, localAddress }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(server.url);
  const { host } = new URL(server.issuer);
  return new Promise((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const encoding = chunked ? { 'transfer-encoding': 'chunked' } : {};
    const req = http.request({
      ...{ host: hostname, port, method, path: target, agent: false, setDefaultHeaders: false },
      ...(localAddress !== undefined && { localAddress }),
      headers: { host, connection: 'close', ...length, ...encoding, ...headers },
    });
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8');
        const head = `HTTP/${res.httpVersion} ${res.statusCode} ${res.statusMessage}\n${res.rawHeaders.join('\n')}`;
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: answer,
          text: `${head}\n\n${answer}`,
        });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Bytes over a socket, and all that comes back until the server closes it. */
export function sendBytes(server: { url: string }, bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(5_000, () => socket.destroy(new Error('the server neither answers nor closes')));
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
