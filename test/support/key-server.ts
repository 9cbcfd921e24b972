import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KeyServer {
  uri: string;
  /** What it answers with from now on. */
  answer: { status: number; headers: Record<string, string>; body: string };
  /** How often it was asked. */
  asked: number;
  /** Accepts and says nothing. */
  silent: boolean;
  publish(...sets: { keys: Record<string, unknown>[] }[]): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client's own server, where it publishes its keys (`jwks_uri`). */
export async function startKeyServer(...sets: { keys: Record<string, unknown>[] }[]): Promise<KeyServer> {
  const server = http.createServer((_req, res) => {
    keyServer.asked += 1;
    if (keyServer.silent) return;
    const { status, headers, body } = keyServer.answer;
    res.writeHead(status, { connection: 'close', ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const keyServer: KeyServer = {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    answer: { status: 200, headers: {}, body: '' },
    asked: 0,
    silent: false,
    publish(...published) {
      keyServer.answer = {
        ...{ status: 200, headers: { 'content-type': 'application/jwk-set+json' } },
        body: JSON.stringify({ keys: published.flatMap(({ keys }) => keys) }),
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  keyServer.publish(...sets);
  return keyServer;
}
