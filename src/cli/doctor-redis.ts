import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { isPublicAddress } from '../lib/public-address.ts';
import type { RedisState } from '../store/redis/inspect.ts';
import { skew } from './doctor-clock.ts';
import { sentenceAbout } from './doctor-failure.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';

const OLDEST_VERSION = 7;

interface Wanted {
  value: string;
  /** What another value means. */
  status: typeof problem;
  reason: string;
}

/** As docs/operating.md says. */
const SETTINGS: Record<string, Wanted> = {
  'maxmemory-policy': { value: 'noeviction', status: problem, reason: 'flows that are under way would be dropped' },
  appendonly: { value: 'yes', status: warning, reason: 'a crash ends every sign-in that is under way' },
  appendfsync: { value: 'always', status: warning, reason: 'a crash forgets the last second' },
};

export async function checkRedis({ redis }: Config, clock: Clock): Promise<Finding[]> {
  if (redis === null) return [];
  const { inspectRedis } = await import('../store/redis/inspect.ts');
  const { hostname, protocol } = new URL(redis.url);
  const before = clock();
  let state: RedisState;
  try {
    state = await inspectRedis(redis.url, Object.keys(SETTINGS));
  } catch (err) {
    return [problem('redis', sentenceAbout(err, `see that Redis runs at ${hostname}, or set REDIS_URL`))];
  }
  const after = clock();
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return [
    Number.parseInt(state.version, 10) < OLDEST_VERSION
      ? warning('redis', `version ${state.version} is old: use ${OLDEST_VERSION} or newer`)
      : ok('redis', `version ${state.version}`),
    ...settings(state),
    ...(state.open && !isHere
      ? [warning('redis', 'asks nobody for a password: set requirepass there, and the password in REDIS_URL')]
      : []),
    ...(protocol === 'redis:' && isPublicAddress(hostname)
      ? [warning('redis', 'is reached over the internet in the clear: use rediss:// in REDIS_URL')]
      : []),
    ...skew('Redis', state.now, { before, after }),
  ];
}

function settings({ settings: found }: RedisState): Finding[] {
  if (Object.keys(found).length === 0) {
    return [note('redis', `does not show its settings: see to it that ${wanted()}`)];
  }
  return Object.entries(SETTINGS)
    .filter(([name, { value }]) => (found[name] ?? value) !== value)
    .map(([name, { value, status, reason }]) =>
      status('redis', `${name} is ${found[name]}, so that ${reason}: CONFIG SET ${name} ${value}, and in redis.conf`),
    );
}

function wanted(): string {
  return Object.entries(SETTINGS)
    .map(([name, { value }]) => `${name} is ${value}`)
    .join(', ');
}
