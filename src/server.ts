import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type App, createApp } from './app.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import { type Milliseconds, toMilliseconds } from './lib/duration.ts';
import { OperatorProblem } from './lib/errors.ts';
import type { Logger } from './lib/log.ts';
import { createDrain, type Drain } from './web/drain.ts';

const LARGEST_HEAD = 16 * 1024;

export interface Timeouts {
  /** A request line and headers that trickle in are cut off (408), and so is who connects and says nothing. */
  headers: Milliseconds;
  /** The same with its body. */
  request: Milliseconds;
  /** Longer than proxies commonly keep a connection in stock (60 s): whoever closes first must not be us. */
  keepAlive: Milliseconds;
  /** Nothing moves either way: whoever asks and does not read the answers would keep connection and answers for ever. */
  still: Milliseconds;
  /** How often all that is looked at. */
  checked: Milliseconds;
}

export const TIMEOUTS: Timeouts = {
  headers: toMilliseconds(10),
  request: toMilliseconds(30),
  keepAlive: toMilliseconds(65),
  still: toMilliseconds(120),
  checked: toMilliseconds(1),
};

/** What is left of a stop for the databases, when requests have had the rest of it. */
const TO_CLOSE: Milliseconds = toMilliseconds(1);

export interface Server {
  app: App;
  /** Where it listens, which need not be the issuer. */
  url: string;
  /** Where /metrics has a listener of its own. */
  metricsUrl: string | null;
  /**
   * Load balancers are told, then requests in flight are finished, then everything is closed.
   * @returns whether all of that came to its end in time; what did not was cut off
   */
  stop(times: Config['stop']): Promise<boolean>;
  /** The same without the first of these, for whoever knows that nobody is sent here any more. */
  close(): Promise<void>;
}

/** @throws {OperatorProblem} when the address cannot be listened on or the installation is not usable. */
export async function startServer(
  config: Config,
  { log, clock, timeouts = TIMEOUTS }: { log: Logger; clock?: Clock; timeouts?: Timeouts },
): Promise<Server> {
  const app = await createApp(config, clock ? { log, clock } : { log });
  const listeners: { server: http.Server; drain: Drain }[] = [];

  async function open(callback: RequestListener, address: Config['listen'], names: Names): Promise<string> {
    const server = createHttpServer(callback, timeouts);
    const drain = createDrain(server);
    await listen(server, address, names);
    listeners.push({ server, drain });
    return urlOf(server);
  }

  async function stop({ delay, timeout }: Config['stop']): Promise<boolean> {
    app.leave();
    // A proxy comes back on another connection, and to another instance.
    for (const { drain } of listeners) drain.begin();
    await passing(toMilliseconds(delay));

    const whole = toMilliseconds(timeout);
    const work = app.stopWork();
    const answered = await within(
      whole - Math.min(TO_CLOSE, whole / 2),
      Promise.all([...listeners.map(({ drain }) => drain.end()), work]),
    );
    for (const { server } of listeners) server.closeAllConnections();
    const closed = await within(Math.min(TO_CLOSE, whole / 2), app.close());
    return answered && closed;
  }

  try {
    const url = await open(app.callback, config.listen, { host: 'HOST', port: 'PORT', also: ' (and ISSUER)' });
    const { metrics } = config;
    const metricsNames = { host: 'METRICS_HOST', port: 'METRICS_PORT', also: '' };
    const metricsUrl = metrics ? await open(app.watchCallback, metrics, metricsNames) : null;
    return {
      ...{ app, url, metricsUrl, stop },
      async close() {
        await stop({ ...config.stop, delay: 0 });
      },
    };
  } catch (err) {
    for (const { server } of listeners) server.close();
    await app.close();
    throw err;
  }
}

function createHttpServer(callback: RequestListener, timeouts: Timeouts): http.Server {
  const server = http.createServer(
    {
      requestTimeout: timeouts.request,
      headersTimeout: timeouts.headers,
      keepAliveTimeout: timeouts.keepAlive,
      connectionsCheckingInterval: timeouts.checked,
      maxHeaderSize: LARGEST_HEAD,
    },
    callback,
  );
  // Beyond a number it would drop headers unsaid, which lets a stranger push out what a proxy adds at the end: their size
  // limits them.
  server.maxHeadersCount = 0;
  server.timeout = timeouts.still;
  return server;
}

function urlOf(server: http.Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** The variables by which an operator says where to listen. */
interface Names {
  host: string;
  port: string;
  /** What follows from the port. */
  also: string;
}

function listen(server: http.Server, { host, port }: Config['listen'], names: Names): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (err: NodeJS.ErrnoException) => {
      const advice: Record<string, string> = {
        EADDRINUSE: `port ${port} is in use: stop what uses it, or set ${names.port}${names.also} to another`,
        EACCES: `port ${port} may not be used by this user: choose one above 1023 with ${names.port}`,
        EADDRNOTAVAIL: `${host} is not an address of this machine: set ${names.host} to one that is`,
        ENOTFOUND: `${names.host} ${host} is neither an address nor a name that this machine knows: set it to one that is`,
      };
      const sentence = advice[err.code ?? ''];
      reject(sentence ? new OperatorProblem(sentence, { cause: err }) : err);
    });
    server.listen(port, host, resolve);
  });
}

function passing(time: Milliseconds): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** @returns whether it came to a good end before */
async function within(time: Milliseconds, work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, time, false);
  const done = work.then(
    () => true,
    () => false,
  );
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
