import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type App, createApp } from './app.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import { type Milliseconds, toMilliseconds } from './lib/duration.ts';
import { OperatorProblem } from './lib/errors.ts';
import type { Logger } from './lib/log.ts';

const REQUEST_TIMEOUT: Milliseconds = toMilliseconds(30);
const HEADERS_TIMEOUT: Milliseconds = toMilliseconds(10);
/** Requests in flight at a stop get this long. */
const STOP_TIMEOUT: Milliseconds = toMilliseconds(10);

export interface Server {
  app: App;
  /** Where it listens, which need not be the issuer. */
  url: string;
  /** Finishes requests in flight, then closes everything. */
  close(): Promise<void>;
}

/** @throws {OperatorProblem} when the address cannot be listened on or the installation is not usable. */
export async function startServer(config: Config, deps: { log: Logger; clock?: Clock }): Promise<Server> {
  const app = await createApp(config, deps);
  const server = http.createServer(
    { requestTimeout: REQUEST_TIMEOUT, headersTimeout: HEADERS_TIMEOUT, maxHeaderSize: 16 * 1024 },
    app.callback,
  );
  const endIdle = endsIdle(server);
  try {
    await listen(server, config.listen);
  } catch (err) {
    await app.close();
    throw err;
  }

  const { address, port, family } = server.address() as AddressInfo;
  return {
    app,
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      endIdle();
      const timer = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT);
      await closed;
      clearTimeout(timer);
      await app.close();
    },
  };
}

/**
 * What ends the connections on which no request is under way, now and as soon as the last one is answered. The server's
 * own way leaves those open that have not asked for anything yet, which browsers like to have in stock.
 */
function endsIdle(server: http.Server): () => void {
  const underWay = new Map<Socket, number>();
  let stopping = false;

  function count(socket: Socket, change: number): void {
    const now = (underWay.get(socket) ?? 0) + change;
    if (stopping && now === 0) socket.destroySoon();
    else if (!socket.destroyed) underWay.set(socket, now);
  }
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, 0);
    socket.once('close', () => underWay.delete(socket));
  });
  server.on('request', ({ socket }, res) => {
    count(socket, 1);
    res.once('close', () => count(socket, -1));
  });

  return () => {
    stopping = true;
    for (const [socket, requests] of underWay) if (requests === 0) socket.destroySoon();
  };
}

function listen(server: http.Server, { host, port }: Config['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (err: NodeJS.ErrnoException) => {
      const advice: Record<string, string> = {
        EADDRINUSE: `port ${port} is in use: stop what uses it, or set PORT (and ISSUER) to another`,
        EACCES: `port ${port} may not be used by this user: choose one above 1023 with PORT`,
        EADDRNOTAVAIL: `${host} is not an address of this machine: set HOST to one that is`,
        ENOTFOUND: `HOST ${host} is neither an address nor a name that this machine knows: set it to one that is`,
      };
      const sentence = advice[err.code ?? ''];
      reject(sentence ? new OperatorProblem(sentence, { cause: err }) : err);
    });
    server.listen(port, host, resolve);
  });
}
