import { createClient } from '@redis/client';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';

const CONNECT_WITHIN: Seconds = 5;

/** What an operator wants to know of the server that keeps what is under way. */
export interface RedisState {
  version: string;
  now: Milliseconds;
  /** The values of the settings asked for; those that this user may not see are missing. */
  settings: Record<string, string>;
  /** It asks nobody who they are. */
  open: boolean;
}

/** @throws where it cannot be reached, in the words of the driver */
export async function inspectRedis(url: string, settings: readonly string[]): Promise<RedisState> {
  const socket = { connectTimeout: toMilliseconds(CONNECT_WITHIN), reconnectStrategy: false as const };
  const client = createClient({ url, socket, disableOfflineQueue: true });
  // Unheard, it would end the process; what was asked for fails by itself.
  client.on('error', () => {});
  try {
    await client.connect();
    const [seconds = '0', microseconds = '0'] = (await client.sendCommand(['TIME'])) as unknown as string[];
    const info = await client.info('server');
    return {
      version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of an unknown version',
      now: toMilliseconds(Number(seconds)) + Number(microseconds) / 1000,
      // A hosted Redis may forbid CONFIG.
      settings: await client.configGet([...settings]).catch(() => ({})),
      open: await answersStrangers(url),
    };
  } finally {
    if (client.isOpen) client.destroy();
  }
}

async function answersStrangers(url: string): Promise<boolean> {
  const anonymous = new URL(url);
  anonymous.username = '';
  anonymous.password = '';
  const socket = { connectTimeout: toMilliseconds(CONNECT_WITHIN), reconnectStrategy: false as const };
  const client = createClient({ url: anonymous.href, socket, disableOfflineQueue: true });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
    return true;
  } catch {
    return false;
  } finally {
    if (client.isOpen) client.destroy();
  }
}
