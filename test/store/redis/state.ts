import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { onTestFinished } from 'vitest';
import { toMilliseconds } from '../../../src/lib/duration.ts';
import { openKeyring } from '../../../src/lib/keyring.ts';
import { createSealer } from '../../../src/lib/sealing.ts';
import { createArtifacts } from '../../../src/store/artifacts.ts';
import { postgresqlArtifactRows } from '../../../src/store/postgresql/artifact-rows.ts';
import { createProgress } from '../../../src/store/progress.ts';
import { redisArtifactRows } from '../../../src/store/redis/artifact-rows.ts';
import { openRedis } from '../../../src/store/redis/connection.ts';
import { redisProgressRows } from '../../../src/store/redis/progress-rows.ts';
import { testClock } from '../../support/clock.ts';
import { REDIS_URL } from '../../support/databases.ts';
import { openPostgresqlState } from '../../support/postgresql-stores.ts';
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts';
import { LONGEST } from '../../support/stores.ts';

/** Protocol state in a PostgreSQL database and under a prefix of Redis, both of this test alone. */
export async function openRedisState({ url = String(REDIS_URL), clock = testClock() } = {}) {
  const state = await openPostgresqlState({ clock });
  const { pool, marks, folders } = state;
  const prefix = `${randomUUID()}:`;
  const sealer = createSealer(openKeyring(folders.keys, { mayCreate: false }));
  const database = postgresqlArtifactRows(pool);

  /** One of several programs: a connection to Redis of its own. */
  async function instance() {
    const redis = await openRedis(url);
    onTestFinished(() => redis.close());
    const rows = redisArtifactRows({ redis, prefix, database, marks });
    const progressRows = redisProgressRows({ redis, prefix });
    return {
      redis,
      rows,
      artifacts: createArtifacts({ rows, sealer, clock, markLifetime: toMilliseconds(LONGEST) }),
      progress: <T>(kind: string) => createProgress<T>({ rows: progressRows, sealer, clock }, kind),
    };
  }

  return { ...state, ...(await instance()), prefix, instance, raw: await rawClient(url) };
}

/** What an operator's redis-cli would do. */
export async function rawClient(url: string) {
  const raw = createClient({ url });
  raw.on('error', () => {});
  await raw.connect();
  onTestFinished(() => raw.destroy());
  return raw;
}

/** A Redis that this test may stop, fill or empty. */
export async function ownServer(settings: Record<string, string> = {}): Promise<RedisServer> {
  const server = await startRedisServer(settings);
  if (!server) throw new Error('redis-server was there a moment ago');
  onTestFinished(() => server.remove());
  return server;
}
