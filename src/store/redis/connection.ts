import { ClientOfflineError, createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';
import { Unavailable } from '../unavailable.ts';
import { SCRIPTS } from './scripts.ts';

const CONNECT_WITHIN: Seconds = 5;
const ANSWER_WITHIN: Seconds = 2;
/** A connection on which nothing moved for so long is replaced; the pings in between keep a good one. */
const SILENT_FOR: Seconds = 5;
const PING_EVERY: Seconds = 2;
const FIRST_RECONNECT: Milliseconds = 50;
const SLOWEST_RECONNECT: Milliseconds = 2000;

/** Replies with which Redis says that it cannot serve now: it loads, is a replica meanwhile, is full, cannot persist. */
const AWAY = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|BUSY|UNKILLABLE) /;

/** Of those the one that only another server at this address takes back. */
const DEMOTED = /^READONLY /;

export type RedisClient = ReturnType<typeof newClient>;

export interface Redis {
  /** Runs one command, at once or not at all. @throws {Unavailable} */
  run<T>(command: (client: RedisClient) => Promise<T>): Promise<T>;
  close(): void;
}

function newClient(url: string, mayReconnect: () => boolean) {
  return createClient({
    url,
    scripts: SCRIPTS,
    // Enough for what is asked here, and understood by servers that are too old, so that they can be told so.
    RESP: 2,
    disableClientInfo: true,
    // A command that waited for Redis to come back would be carried out after its request was answered.
    disableOfflineQueue: true,
    pingInterval: toMilliseconds(PING_EVERY),
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      connectTimeout: toMilliseconds(CONNECT_WITHIN),
      socketTimeout: toMilliseconds(SILENT_FOR),
      reconnectStrategy: (retries) => mayReconnect() && pauseBefore(retries),
    },
  });
}

/** Random, so that all instances do not come back in the same instant. */
function pauseBefore(retry: number): Milliseconds {
  const longest = Math.min(SLOWEST_RECONNECT, FIRST_RECONNECT * 2 ** retry);
  return Math.round(longest * (0.5 + Math.random() / 2));
}

/** Connects once or fails; from then on it reconnects for ever. */
export async function openRedis(url: string): Promise<Redis> {
  let connected = false;
  let lastError: unknown;
  const client = newClient(url, () => connected);
  client.on('error', (err) => {
    lastError = err;
  });
  client.on('ready', () => {
    lastError = undefined;
  });
  await client.connect();
  connected = true;

  let silent = false;

  /** A failover that leaves the server of old running as a replica leaves its connections as well. */
  function connectAnew(): void {
    if (!client.isReady) return;
    client.destroy();
    // Tried until it succeeds, or until the client is closed meanwhile.
    client.connect().catch(() => {});
  }

  return {
    async run(command) {
      // Anything more that was written would put off the moment at which the connection counts as dead.
      if (silent) throw new Unavailable('Redis does not answer', { cause: lastError });
      const reply = command(client);
      const heard = () => {
        silent = false;
      };
      reply.then(heard, heard);
      try {
        return await within(ANSWER_WITHIN, reply);
      } catch (err) {
        if (err instanceof Silence) silent = true;
        if (err instanceof ErrorReply && DEMOTED.test(err.message)) connectAnew();
        // What says why is the error that took it offline.
        const cause = err instanceof ClientOfflineError ? lastError : err;
        throw isAway(err) ? new Unavailable('Redis is away', { cause }) : err;
      }
    },
    close: () => client.destroy(),
  };
}

class Silence extends Error {
  override name = 'Silence';
}

/** The client's own time limit ends when a command has been written. */
function within<T>(time: Seconds, reply: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Silence(`no answer in ${time} s`)), toMilliseconds(time));
    reply.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

/** Whatever is no answer is a broken connection, but for a mistake in how the client was called. */
function isAway(err: unknown): boolean {
  return err instanceof ErrorReply ? AWAY.test(err.message) : !(err instanceof TypeError);
}
