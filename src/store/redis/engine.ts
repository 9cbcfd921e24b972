import type { Engine } from '../engine.ts';
import type { PostgresqlEngine } from '../postgresql/engine.ts';
import { redisArtifactRows } from './artifact-rows.ts';
import { openRedis, type Redis } from './connection.ts';
import { explainRedisError, nameOf } from './problem.ts';
import { redisProgressRows } from './progress-rows.ts';
import { redisRates } from './rates.ts';
import { checkRequirements } from './requirements.ts';

/**
 * Keeps the flows that are under way in Redis, and everything else where it was.
 * @param engine closed with what is returned; stays the caller's where this throws
 * @throws {OperatorProblem}
 */
export async function withRedis(
  engine: PostgresqlEngine,
  { url, prefix }: { url: string; prefix: string },
): Promise<Engine> {
  const redis = await openSuitable(url);
  return {
    ...engine,
    artifactRows: redisArtifactRows({ redis, prefix, database: engine.artifactRows, marks: engine.marks }),
    progressRows: redisProgressRows({ redis, prefix }),
    rates: redisRates({ redis, prefix }),
    async check() {
      const [word] = await Promise.all([engine.check(), redis.run((client) => client.ping())]);
      return word;
    },
    checkRedis: async () => void (await redis.run((client) => client.ping())),
    async close() {
      redis.close();
      await engine.close();
    },
  };
}

async function openSuitable(url: string): Promise<Redis> {
  let redis: Redis | undefined;
  try {
    redis = await openRedis(url);
    const info = await redis.run((client) => client.info());
    checkRequirements(String(info), nameOf(url));
    return redis;
  } catch (err) {
    redis?.close();
    throw explainRedisError(err, nameOf(url));
  }
}
