import { it } from 'vitest';
import { REDIS_URL } from '../support/databases.ts';

if (REDIS_URL) {
  await Promise.all([
    import('./redis/artifacts.ts'),
    import('./redis/lost-redis.ts'),
    import('./redis/outage.ts'),
    import('./redis/progress.ts'),
    import('./redis/rates.ts'),
    import('./redis/start.ts'),
  ]);
} else {
  it.skip('Redis: there is no redis-server on this machine (Debian: apt-get install redis-server)', () => {});
}
