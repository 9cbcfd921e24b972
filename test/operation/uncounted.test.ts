import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
import { type PostgresqlServer, startPostgresqlServer } from '../support/postgresql-server.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { ask, enter, type Visit, visit } from '../support/visit.ts';

/*
 * The attacker waits for an outage, or makes one: requests pass uncounted then, since refusing them would make the
 * outage worse, but nobody gets a guess for nothing.
 */

afterEach(() => vi.restoreAllMocks());

const PER_ADDRESS = 10;
const LIMITS = { LIMIT_ADDRESS_REQUESTS: String(PER_ADDRESS) };

async function uncounted({ url }: TestServer): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^gatewright_requests_uncounted_total (\d+)$/m.exec(page)?.[1]);
}

/** A stranger asks more often than the limit allows. */
async function flood(server: TestServer): Promise<number[]> {
  const statuses = [];
  for (let asked = 0; asked < PER_ADDRESS * 2; asked += 1) {
    statuses.push((await post(server, '/oauth2/token', { grant_type: 'client_credentials', client_id: 'x' })).status);
    statuses.push((await fetch(`${server.issuer}/oauth2/authorize?client_id=x`, { redirect: 'manual' })).status);
  }
  return statuses;
}

/** What a guess is answered, right or wrong. */
async function guess({ agent, account }: Visit, page: Awaited<ReturnType<typeof ask>>['page'], password: string) {
  const { status, headers } = await agent.post(page, { email: account.email, password });
  return [status, headers.get('retry-after'), headers.get('set-cookie')];
}

const REFUSED = [503, '5', null];

async function outcomes({ app }: TestServer, { account }: Visit): Promise<string[]> {
  const events = await app.stores.auditTrail.latest(100, { accountId: account.id });
  return events.map(({ event }) => event).filter((event) => event.startsWith('sign_in.'));
}

async function started(env: Record<string, string>): Promise<TestServer> {
  const server = await startTestServer({ ...LIMITS, ...env });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function ownPostgresql(): Promise<PostgresqlServer> {
  const postgresql = await startPostgresqlServer({ durable: true });
  onTestFinished(() => postgresql.remove());
  return postgresql;
}

async function ownRedis(): Promise<RedisServer | null> {
  const redis = await startRedisServer();
  if (redis) onTestFinished(() => redis.remove());
  return redis;
}

const ready = ({ issuer }: TestServer) =>
  expect.poll(async () => (await fetch(`${issuer}/health/ready`)).status, { timeout: 15_000, interval: 100 }).toBe(200);

describe('with PostgreSQL alone, stopped', { timeout: 90_000 }, () => {
  it('requests pass the limit uncounted, and guesses get nothing', async () => {
    const postgresql = await ownPostgresql();
    const server = await started({ DATABASE_URL: postgresql.url });
    const person = await visit(server);
    const { page } = await ask(person);
    expect(await uncounted(server)).toBe(0);
    await postgresql.stop('immediate');

    expect(new Set(await flood(server))).toEqual(new Set([503]));
    expect(await uncounted(server)).toBeGreaterThanOrEqual(PER_ADDRESS * 4);
    for (const password of ['wrong', PASSWORD]) expect(await guess(person, page, password)).toEqual(REFUSED);

    await postgresql.start();
    await ready(server);
    expect(await outcomes(server, person)).toEqual([]);
    expect(await flood(server)).toContain(429);
  });
});

describe('with PostgreSQL and Redis', { timeout: 90_000 }, () => {
  it('whose Redis has ended, applications are served uncounted, and guesses get nothing', async (context) => {
    const redis = await ownRedis();
    if (!redis) return context.skip('there is no redis-server on this machine');
    const postgresql = await ownPostgresql();
    const server = await started({ DATABASE_URL: postgresql.url, REDIS_URL: redis.url });
    const service = await server.addClient('service');
    const person = await visit(server);
    const { page } = await ask(person);
    await redis.stop('SIGKILL');

    for (let asked = 0; asked < PER_ADDRESS * 2; asked += 1) {
      const { status } = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));
      expect(status).toBe(200);
    }
    const statuses = await flood(server);
    expect([statuses.includes(429), statuses.includes(500)]).toEqual([false, false]);
    expect(await uncounted(server)).toBeGreaterThanOrEqual(PER_ADDRESS * 4);
    for (const password of ['wrong', PASSWORD]) expect(await guess(person, page, password)).toEqual(REFUSED);
    expect(await outcomes(server, person)).toEqual([]);

    await redis.start();
    await ready(server);
    expect(await flood(server)).toContain(429);
  });

  it('whose PostgreSQL has stopped, requests are counted, and guesses get nothing', async (context) => {
    const redis = await ownRedis();
    if (!redis) return context.skip('there is no redis-server on this machine');
    const postgresql = await ownPostgresql();
    const server = await started({ DATABASE_URL: postgresql.url, REDIS_URL: redis.url });
    const person = await visit(server);
    const { page } = await ask(person);
    await postgresql.stop('immediate');

    const statuses = await flood(server);
    expect([statuses.includes(429), statuses.includes(500)]).toEqual([true, false]);
    expect(await uncounted(server)).toBe(0);
    for (const password of ['wrong', PASSWORD]) expect(await guess(person, page, password)).toEqual(REFUSED);
    await postgresql.start();
    await ready(server);
    expect(await outcomes(server, person)).toEqual([]);
  });
});

describe('where attempts alone cannot be counted', () => {
  it('right and wrong passwords are refused alike and unchecked, and count for nothing afterwards', async () => {
    const server = await started({ LIMIT_ADDRESS_REQUESTS: '1000', LIMIT_PASSWORDS: '3' });
    const person = await visit(server);
    const { page } = await ask(person);
    const take = vi
      .spyOn(server.app.stores.attempts, 'take')
      .mockRejectedValue(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
    for (const password of ['wrong', PASSWORD, 'wrong', 'wrong', 'wrong']) {
      expect(await guess(person, page, password)).toEqual(REFUSED);
    }
    expect(take).toHaveBeenCalledTimes(5);
    expect(await outcomes(server, person)).toEqual([]);
    take.mockRestore();
    expect(await enter(person)).toHaveProperty('access_token');
    expect(await outcomes(server, person)).toEqual(['sign_in.succeeded']);
  });
});
