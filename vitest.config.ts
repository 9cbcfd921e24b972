import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** What runs again on each engine: whole servers, over HTTP. Each store's own contract names its engines itself. */
const WHOLE_SERVERS = ['test/flows/**/*.test.ts', 'test/spec/**/*.test.ts', 'test/attacks/at-rest.test.ts'];
const hasRedis = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/redis-server`));

export default defineConfig({
  // The sources, where a program would load what was made of them.
  resolve: {
    alias: { 'gatewright-resource-server': `${import.meta.dirname}/packages/resource-server/src/resource-server.ts` },
  },
  test: {
    // Whole servers start in hooks and child processes in tests, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests wait for servers more than they compute.
    maxWorkers: availableParallelism() + 1,
    globalSetup: './test/support/global-setup.ts',
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      { extends: true, test: { name: 'sqlite', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'postgresql', include: WHOLE_SERVERS, env: { TEST_ENGINE: 'postgresql' } },
      },
      // Where there is no redis-server, test/store/redis.test.ts says so by a skipped test.
      ...(hasRedis
        ? [{ extends: true as const, test: { name: 'redis', include: WHOLE_SERVERS, env: { TEST_ENGINE: 'redis' } } }]
        : []),
    ],
  },
});
