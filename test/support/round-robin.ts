import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RoundRobin {
  port: number;
  /** How many requests each instance was given, in the order of `ports`. */
  served: number[];
  close(): Promise<void>;
}

/**
 * A load balancer of the plainest kind: every request goes to the next instance, and where that one does not accept the
 * connection, to the one after it. It passes Host on and says where the request came from, as a proxy must.
 */
export async function startRoundRobin(ports: readonly number[], port = 0): Promise<RoundRobin> {
  const served = ports.map(() => 0);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  let turn = 0;

  function pass(req: http.IncomingMessage, res: http.ServerResponse, body: Buffer, tries: number): void {
    const index = turn++ % ports.length;
    const headers = { ...req.headers, 'x-forwarded-for': req.socket.remoteAddress ?? '' };
    const onward = http.request(
      { host: '127.0.0.1', port: ports[index], method: req.method, path: req.url, headers, agent, setHost: false },
      (answer) => {
        served[index] = (served[index] ?? 0) + 1;
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.on('error', () => res.destroy()).pipe(res);
      },
    );
    onward.once('error', (err: NodeJS.ErrnoException) => {
      if (res.headersSent) return res.destroy();
      // Only what surely did not arrive is sent again.
      if (err.code === 'ECONNREFUSED' && tries < ports.length) return pass(req, res, body, tries + 1);
      res.writeHead(502, { 'content-type': 'text/plain' }).end('no instance answered');
      return undefined;
    });
    onward.end(body);
  }

  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', () => pass(req, res, Buffer.concat(chunks), 1));
  });
  // As any client does, those of the tests use a connection again that is about to be closed.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    served,
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
