import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Running {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves what `handlerFor` builds, on loopback only: these examples are not hardened for a network.
 * Port 0 takes a free one, so the handler is built once the address is known.
 */
export async function listen(port: number, handlerFor: (url: string) => RequestListener): Promise<Running> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  server.on('request', handlerFor(url));
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
