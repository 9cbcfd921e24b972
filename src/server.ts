import http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import { type App, createApp } from './app.ts';
import type { Config } from './config/config.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { type Milliseconds, toMilliseconds } from './lib/duration.ts';
import { OperatorProblem } from './lib/errors.ts';
import type { Logger } from './lib/log.ts';
import { openTlsListeners } from './tls/listeners.ts';
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
  /** Where clients are asked for a certificate. */
  mutualTlsUrl: string | null;
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
  const tls = config.tls && openTlsListeners({ ...tlsOptions(config, config.tls), log, clock: clock ?? systemClock });
  const app = await createApp(config, clock ? { log, clock } : { log }).catch((err: unknown) => {
    tls?.close();
    throw err;
  });
  const listeners: { server: Listener; drain: Drain }[] = [];
  const options = serverOptions(timeouts);

  async function open(made: Listener, address: Config['listen'], names: Names): Promise<string> {
    const server = limited(made, timeouts);
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
    tls?.close();
    const closed = await within(Math.min(TO_CLOSE, whole / 2), app.close());
    return answered && closed;
  }

  try {
    const main = tls
      ? tls.create(options, app.callback, { asksForCertificate: false })
      : http.createServer(options, app.callback);
    const url = await open(main, config.listen, { host: 'HOST', port: 'PORT', also: ' (and ISSUER)' });
    const { metrics, mutualTls } = config;
    const metricsNames = { host: 'METRICS_HOST', port: 'METRICS_PORT', also: '' };
    const metricsUrl = metrics
      ? await open(http.createServer(options, app.watchCallback), metrics, metricsNames)
      : null;
    let mutualTlsUrl: string | null = null;
    if (tls && mutualTls?.port) {
      const asking = tls.create(options, app.mutualTlsCallback, { asksForCertificate: true });
      const address = { host: config.listen.host, port: mutualTls.port };
      mutualTlsUrl = await open(asking, address, { host: 'HOST', port: 'MTLS_PORT', also: '' });
    }
    return {
      ...{ app, url, metricsUrl, mutualTlsUrl, stop },
      async close() {
        await stop({ ...config.stop, delay: 0 });
      },
    };
  } catch (err) {
    for (const { server } of listeners) server.close();
    tls?.close();
    await app.close();
    throw err;
  }
}

type Listener = http.Server | https.Server;

function tlsOptions({ mutualTls }: Config, files: NonNullable<Config['tls']>) {
  // Without a listener that asks, none of ours verifies what authorities sign.
  return { files, authorityFile: mutualTls?.port ? mutualTls.authorityFile : null };
}

function serverOptions(timeouts: Timeouts): https.ServerOptions {
  return {
    requestTimeout: timeouts.request,
    headersTimeout: timeouts.headers,
    // Before the first header there may be a handshake.
    handshakeTimeout: timeouts.headers,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: timeouts.checked,
    maxHeaderSize: LARGEST_HEAD,
  };
}

function limited<T extends Listener>(server: T, timeouts: Timeouts): T {
  // Beyond a number it would drop headers unsaid, which lets a stranger push out what a proxy adds at the end: their size
  // limits them.
  server.maxHeadersCount = 0;
  server.timeout = timeouts.still;
  return server;
}

function urlOf(server: Listener): string {
  const { address, port, family } = server.address() as AddressInfo;
  const scheme = server instanceof http.Server ? 'http' : 'https';
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** The variables by which an operator says where to listen. */
interface Names {
  host: string;
  port: string;
  /** What follows from the port. */
  also: string;
}

function listen(server: Listener, { host, port }: Config['listen'], names: Names): Promise<void> {
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
