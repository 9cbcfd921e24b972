import { describe, expect, it, onTestFinished } from 'vitest';
import { newPlace, REDIS_URL } from '../support/databases.ts';
import { startPostgresqlServer } from '../support/postgresql-server.ts';
import { startProcessCluster } from '../support/process-cluster.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { again } from '../support/visit.ts';
import { faults, type Load, startLoad } from './load.ts';

const PEOPLE = 6;

/** Nobody has to sign in again, and everybody's refresh token is good. */
async function expectAllAreStillIn({ people }: Load): Promise<void> {
  for (const person of people) {
    const tokens = await again(person, { prompt: 'none' });
    expect((await person.party.introspect(tokens.access_token)).active).toBe(true);
    expect((await person.party.refresh(person.refreshToken)).access_token).toBeDefined();
  }
}

async function started<T extends { remove(): Promise<void> }>(server: Promise<T | null>): Promise<T> {
  const running = await server;
  if (!running) throw new Error('it is not installed');
  onTestFinished(() => running.remove());
  return running;
}

describe.each(REDIS_URL ? (['postgresql', 'redis'] as const) : (['postgresql'] as const))('on %s', (engine) => {
  it('kill -9 of one instance under load costs nobody anything', { timeout: 120_000 }, async () => {
    const place = await newPlace(engine);
    onTestFinished(() => place.drop());
    await using site = await startProcessCluster(place.env);
    const load = await startLoad(site, PEOPLE);
    for (const instance of [0, 1]) {
      await load.turns(2);
      await site.kill(instance);
      await load.turns(2);
      await site.start(instance);
    }
    await load.turns(2);
    await load.stop();

    expect(faults(load.ledger)).toEqual([]);
    expect(load.ledger.codes.size).toBeGreaterThan(PEOPLE * 8);
    await expectAllAreStillIn(load);
  });
});

describe('a database that is away for a while', () => {
  it.each(['fast', 'immediate'] as const)(
    'PostgreSQL, stopped (%s) and started under load',
    { timeout: 120_000 },
    async (how) => {
      const postgresql = await started(startPostgresqlServer({ durable: true }));
      await using site = await startProcessCluster({ DATABASE_URL: postgresql.url });
      const load = await startLoad(site, PEOPLE);
      await load.turns(2);
      await postgresql.stop(how);
      const before = load.ledger.away;
      await expect.poll(() => load.ledger.away, { timeout: 30_000 }).toBeGreaterThan(before + PEOPLE);
      await postgresql.start();
      await load.turns(3);
      await load.stop();

      expect(faults(load.ledger)).toEqual([]);
      await expectAllAreStillIn(load);
    },
  );

  it.skipIf(!REDIS_URL).each(['SIGTERM', 'SIGKILL'] as const)(
    'Redis, ended (%s) and started under load',
    { timeout: 120_000 },
    async (signal) => {
      const redis = await started(startRedisServer());
      const place = await newPlace('postgresql');
      onTestFinished(() => place.drop());
      await using site = await startProcessCluster({ ...place.env, REDIS_URL: redis.url });
      const load = await startLoad(site, PEOPLE);
      await load.turns(2);
      await redis.stop(signal);
      const before = load.ledger.away;
      await expect.poll(() => load.ledger.away, { timeout: 30_000 }).toBeGreaterThan(before + PEOPLE);
      await redis.start();
      await load.turns(3);
      await load.stop();

      expect(faults(load.ledger)).toEqual([]);
      await expectAllAreStillIn(load);
    },
  );
});
