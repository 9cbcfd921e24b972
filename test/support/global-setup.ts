import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { startPostgresqlServer } from './postgresql-server.ts';
import { startRedisServer } from './redis-server.ts';

/** One PostgreSQL and, where it is installed, one Redis for the whole run; each test has a database of its own in them. */
export default async function setup(): Promise<() => Promise<void>> {
  buildKit();
  const [postgresql, redis] = await Promise.all([startPostgresqlServer(), startRedisServer({ appendonly: 'no' })]);
  process.env['TEST_POSTGRESQL_URL'] = postgresql.url;
  if (redis) process.env['TEST_REDIS_URL'] = redis.url;
  return async () => {
    await Promise.all([postgresql.remove(), redis?.remove()]);
  };
}

/** What examples load that run as processes of their own. */
function buildKit(): void {
  const program = path.join(import.meta.dirname, '../../packages/resource-server/build.ts');
  const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit' });
  if (status !== 0) throw new Error('packages/resource-server cannot be built');
}
