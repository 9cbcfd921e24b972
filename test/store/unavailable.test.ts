import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { OperatorProblem, Refusal } from '../../src/lib/errors.ts';
import { migrate } from '../../src/store/postgresql/migrate.ts';
import { openPool } from '../../src/store/postgresql/pool.ts';
import type { PrismaClient } from '../../src/store/prisma/database.ts';
import { openPostgresqlDatabase } from '../../src/store/prisma/postgresql-database.ts';
import { isUnavailable, Unavailable } from '../../src/store/unavailable.ts';
import { testClock } from '../support/clock.ts';
import { type PostgresqlServer, startPostgresqlServer } from '../support/postgresql-server.ts';

let server: PostgresqlServer;
beforeAll(async () => {
  server = await startPostgresqlServer();
});
afterAll(() => server.remove());

async function opened(url = server.url, size = 4): Promise<{ pool: Pool; prisma: PrismaClient }> {
  const pool = openPool({ url, size });
  const database = openPostgresqlDatabase(pool);
  onTestFinished(async () => {
    await database.close();
    await pool.end();
  });
  return { pool, prisma: database.prisma };
}

async function migrated() {
  const stores = await opened();
  await migrate({ pool: stores.pool, name: 'test', clock: testClock() });
  return stores;
}

/** Every way in which the program asks the database. */
function ways({ pool, prisma }: { pool: Pool; prisma: PrismaClient }): Record<string, () => Promise<unknown>> {
  return {
    statement: () => pool.query('SELECT 1'),
    connection: async () => (await pool.connect()).release(),
    model: () => prisma.installation.count(),
    raw: () => prisma.$queryRaw`SELECT 1`,
    transaction: () => prisma.$transaction(async (tx) => tx.installation.count()),
    batch: () => prisma.$transaction([prisma.installation.count()]),
  };
}

const SLOW = 'SELECT 1 FROM pg_sleep(60)';

async function failures(some: Record<string, () => Promise<unknown>>): Promise<Record<string, boolean>> {
  const outcomes = Object.entries(some).map(async ([name, run]) => {
    const err = await run()
      .then(() => null)
      .catch((err: unknown) => err);
    return [name, isUnavailable(err)] as const;
  });
  return Object.fromEntries(await Promise.all(outcomes));
}

const all = (names: object, outcome: boolean) =>
  Object.fromEntries(Object.keys(names).map((name) => [name, outcome] as const));

describe('a PostgreSQL that is away', () => {
  it.each(['fast', 'immediate'] as const)('by a %s stop is recognised, in flight and asked anew', async (how) => {
    const { pool, prisma } = await migrated();
    const slow = {
      statement: () => pool.query(SLOW),
      raw: () => prisma.$queryRawUnsafe(SLOW),
      transaction: () => prisma.$transaction((tx) => tx.$queryRawUnsafe(SLOW)),
    };
    const inFlight = failures(slow);
    await asleep(3);
    await server.stop(how);
    expect(await inFlight).toEqual(all(slow, true));
    expect(await failures(ways({ pool, prisma }))).toEqual(all(ways({ pool, prisma }), true));

    await server.start();
    expect(await prisma.installation.count()).toBe(0);
  });

  it('because it has no connection left is recognised', async () => {
    const { pool } = await migrated();
    await pool.query(`CREATE ROLE crowded LOGIN CONNECTION LIMIT 0`);
    const url = new URL(server.url);
    url.username = 'crowded';
    const crowded = ways(await opened(url.href));
    expect(await failures(crowded)).toEqual(all(crowded, true));
  });

  it('because all connections are taken is recognised', async () => {
    const { pool, prisma } = await opened(server.url, 1);
    const taken = await pool.connect();
    const waiting = ways({ pool, prisma });
    expect(await failures(waiting)).toEqual(all(waiting, true));
    taken.release();
  });

  it('because it takes too long, or writes nothing, is recognised', async () => {
    const { pool, prisma } = await migrated();
    await pool.query(`CREATE ROLE hurried LOGIN SUPERUSER; ALTER ROLE hurried SET default_transaction_read_only = on`);
    const url = new URL(server.url);
    url.username = 'hurried';
    const standby = await opened(url.href);
    const tried = {
      cancelled: () => pool.query(`SET statement_timeout = 50; ${SLOW}`),
      write: () => standby.pool.query('DELETE FROM "Installation"'),
      model: () => standby.prisma.installation.deleteMany(),
      expired: () => prisma.$transaction((tx) => tx.$queryRawUnsafe('SELECT 1 FROM pg_sleep(1)'), { timeout: 50 }),
    };
    expect(await failures(tried)).toEqual(all(tried, true));
  });

  it('under any name that the drivers have for it is recognised', () => {
    const codes = [
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'EAI_AGAIN',
      '08006',
      '57P03',
      'P1002',
      'P1008',
      'P1017',
      'P2024',
    ];
    for (const code of codes) expect(isUnavailable(Object.assign(new Error('failed'), { code }))).toBe(true);
    for (const kind of ['ConnectionClosed', 'SocketTimeout']) {
      expect(isUnavailable({ meta: { driverAdapterError: { cause: { kind } } } })).toBe(true);
    }
    for (const message of [
      'Query read timeout',
      'Client has encountered a connection error and is not queryable',
      'Connection terminated due to connection timeout',
    ]) {
      expect(isUnavailable(new Error('failed', { cause: new Error(message) }))).toBe(true);
    }
    expect(isUnavailable(new Error('failed', { cause: new Unavailable('away') }))).toBe(true);
  });
});

describe('what is wrong for another reason', () => {
  it('in a statement is not taken for an outage', async () => {
    const { pool, prisma } = await migrated();
    await pool.query('CREATE TABLE ruled (id INTEGER PRIMARY KEY CHECK (id < 9)); INSERT INTO ruled VALUES (1)');
    const data = { id: 1, issuer: 'i', rpId: 'r', keyringId: 'k', createdAt: new Date(0) };
    await prisma.installation.create({ data });
    const mistakes = {
      syntax: () => pool.query('SELEC'),
      rawSyntax: () => prisma.$queryRawUnsafe('SELEC'),
      unique: () => pool.query('INSERT INTO ruled VALUES (1)'),
      uniqueModel: () => prisma.installation.create({ data }),
      check: () => pool.query('INSERT INTO ruled VALUES (9)'),
      rawCheck: () => prisma.$executeRawUnsafe('INSERT INTO ruled VALUES (9)'),
      missing: () => prisma.installation.update({ where: { id: 2 }, data }),
      thrown: () => prisma.$transaction(() => Promise.reject(new Error('a rule of ours'))),
    };
    expect(await failures(mistakes)).toEqual(all(mistakes, false));
  });

  it('anywhere else is not taken for an outage', () => {
    const circle = new Error('circle');
    circle.cause = circle;
    const others = [
      ...[null, undefined, 'ECONNREFUSED', 57, {}, circle, new TypeError('terminated')],
      ...[new Refusal('busy'), new OperatorProblem('The database refuses connections'), new Error('P1001')],
      Object.assign(new Error('no file'), { code: 'ENOENT' }),
    ];
    for (const other of others) expect(isUnavailable(other)).toBe(false);
  });
});

/** Resolves when so many statements are under way that sleep. */
async function asleep(count: number): Promise<void> {
  const looks = openPool({ url: server.url, size: 1 });
  try {
    for (let tries = 0; tries < 2_000; tries += 1) {
      const { rows } = await looks.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
      if (rows.length >= count) return;
    }
    throw new Error('nothing sleeps');
  } finally {
    await looks.end();
  }
}
