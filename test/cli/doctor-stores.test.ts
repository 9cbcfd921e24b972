import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';
import { checkPostgresql } from '../../src/cli/doctor-postgresql.ts';
import { checkRedis } from '../../src/cli/doctor-redis.ts';
import type { Finding } from '../../src/cli/finding.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Env } from '../../src/config/env.ts';
import { newDatabase, REDIS_URL } from '../support/databases.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresqlServer } from '../support/postgresql-server.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { startTestServer } from '../support/server.ts';
import { installation } from './gatewright.ts';

const now = () => Date.now();
const said = (findings: Finding[]) => findings.map(({ status, check, message }) => `${status} ${check} ${message}`);
const starting = (...beginnings: string[]) => beginnings.map((each) => expect.stringMatching(new RegExp(`^${each}`)));

describe('PostgreSQL', () => {
  const look = async (env: Env, clock = now) => said(await checkPostgresql(parseConfig(env), clock));

  it('that keeps what it is told is in order', async () => {
    const server = await startPostgresqlServer({ durable: true });
    try {
      expect(await look({ DATABASE_URL: server.url })).toEqual(
        starting('ok postgresql version 18', 'ok connections .* room for 2\\d instances$'),
      );
      // The server of this test lets 300 connect, 3 of them superusers alone.
      expect(await look({ DATABASE_URL: server.url, DATABASE_POOL: '200' })).toContainEqual(
        expect.stringMatching(/^warning connections .* room for one instance, and an upgrade runs two/),
      );
      expect(await look({ DATABASE_URL: server.url, DATABASE_POOL: '300' })).toContainEqual(
        expect.stringMatching(/^problem connections .* room for no instance/),
      );
      for (const ahead of [-2_000, 2_000]) {
        expect(await look({ DATABASE_URL: server.url }, () => Date.now() + ahead)).toContainEqual(
          expect.stringMatching(/^warning clock that of PostgreSQL differs from this one by [12]\.\d s/),
        );
      }
    } finally {
      await server.remove();
    }
  });

  it('that may forget is warned of', async () => {
    const { url, drop } = await newDatabase();
    const found = await look({ DATABASE_URL: url });
    await drop();
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      expect(found).toContainEqual(expect.stringMatching(new RegExp(`^warning postgresql ${setting} is off: `)));
    }
  });

  it('that is not there does not hide the rest, and its password is not shown', async () => {
    const place = installation();
    const url = `postgresql://gatewright:hunter2@127.0.0.1:${await freePort()}/gatewright`;
    const { status, json, stdout, stderr } = await place.run(['doctor', '--json'], { env: { DATABASE_URL: url } });
    expect(status).toBe(1);
    expect(json.checks.map((each: Finding) => [each.check, each.status])).toEqual(
      expect.arrayContaining([
        ['configuration', 'ok'],
        ['database', 'problem'],
        ['postgresql', 'problem'],
        ['server', 'note'],
      ]),
    );
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it('with an installation in it, up to date and from no tomorrow', async () => {
    await using server = await startTestServer({}, { engine: 'postgresql' });
    const env = {
      ...{ ISSUER: server.issuer, DATABASE_URL: server.config.database.url ?? '' },
      ...{ DATA_DIR: server.config.folders.data, KEYS_DIR: server.config.folders.keys },
    };
    const place = installation();
    const { checks } = await place.json(['doctor'], { env });
    for (const check of ['migrations', 'keyring', 'signing key', 'clock', 'server', 'proxy']) {
      expect(checks).toContainEqual({ check, status: 'ok', message: expect.any(String) });
    }
    server.passTime(3_600_000);
    await server.addAccount();
    expect(await look(env)).toContainEqual(expect.stringMatching(/^problem clock an instance wrote at .*yet to come/));
  });
});

describe.skipIf(!REDIS_URL)('Redis', () => {
  const DATABASE_URL = 'postgresql://127.0.0.1/none';
  const look = async (url: string, clock = now) =>
    said(await checkRedis(parseConfig({ DATABASE_URL, REDIS_URL: url }), clock));

  async function withRedis(settings: Record<string, string>, work: (url: string) => Promise<void>) {
    const redis = await startRedisServer(settings);
    if (!redis) throw new Error('there is no redis-server');
    try {
      await work(redis.url);
    } finally {
      await redis.remove();
    }
  }

  it('as the guide has it is in order', () =>
    withRedis({}, async (url) => {
      expect(await look(url)).toEqual(starting('ok redis version '));
      expect(await look(url, () => Date.now() + 5_000)).toContainEqual(
        expect.stringMatching(/^warning clock that of Redis differs from this one by [45]\.\d s/),
      );
    }));

  it('that drops or forgets things is told so', () =>
    withRedis({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', appendfsync: 'everysec' }, async (url) => {
      expect((await look(url)).slice(1)).toEqual(
        starting(
          'problem redis maxmemory-policy is allkeys-lru, .*CONFIG SET maxmemory-policy noeviction',
          'warning redis appendonly is no, ',
          'warning redis appendfsync is everysec, ',
        ),
      );
    }));

  it('that lets everybody in is warned of, unless on this machine', () =>
    withRedis({ bind: '127.0.0.1 127.0.0.2' }, async (url) => {
      const elsewhere = url.replace('127.0.0.1', '127.0.0.2');
      expect(await look(elsewhere)).toContainEqual(expect.stringMatching(/^warning redis asks nobody for a password/));
    }));

  it('with a password is in order, and one that forbids CONFIG says what to look for', () =>
    withRedis({ bind: '127.0.0.1 127.0.0.2', requirepass: 'hunter2' }, async (url) => {
      const as = (user: string) => url.replace('127.0.0.1', `${user}@127.0.0.2`);
      expect(await look(as(':hunter2'))).toEqual(starting('ok redis version '));
      const administrator = await createClient({ url: as(':hunter2') }).connect();
      await administrator.sendCommand(['ACL', 'SETUSER', 'limited', 'on', '>hunter3', '~*', '+@all', '-config']);
      administrator.destroy();
      const limited = await look(as('limited:hunter3'));
      expect(limited).toEqual(starting('ok redis version ', 'note redis does not show its settings: .*noeviction'));
      const refused = await look(as(':wrong-horse'));
      expect(refused).toEqual(starting('problem redis cannot be used'));
      expect(refused.join()).not.toContain('wrong-horse');
    }));

  it('that is not there is a problem', async () => {
    const found = await look(`redis://:hunter2@127.0.0.1:${await freePort()}`);
    expect(found).toEqual(starting('problem redis cannot be used'));
    expect(found.join()).not.toContain('hunter2');
  });
});
