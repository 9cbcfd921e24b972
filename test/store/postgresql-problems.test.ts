import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkServer } from '../../src/store/postgresql/server-check.ts';
import { freePort } from '../support/free-port.ts';
import { type PostgresqlServer, startPostgresqlServer } from '../support/postgresql-server.ts';
import { catalogueOf } from './catalogue.ts';
import { copyMigrations, migrateAt, run } from './postgresql-migrations.ts';

describe('a PostgreSQL that cannot be used is told of in one sentence, without the password', () => {
  let server: PostgresqlServer;
  beforeAll(async () => {
    server = await startPostgresqlServer();
    await run(server.url, `CREATE ROLE web LOGIN PASSWORD 'right'; CREATE ROLE remote LOGIN`);
    await run(server.url, 'CREATE DATABASE web');
    const [file] = (await run(server.url, 'SHOW hba_file')) as { hba_file: string }[];
    const lines = ['host all web all scram-sha-256', 'hostssl all remote all trust', 'host all gatewright all trust'];
    const entries = lines.map((line) => `SELECT '${line}'`).join(' UNION ALL ');
    await run(server.url, `COPY (${entries}) TO '${file?.hba_file}'`);
    await server.stop();
    await server.start();
  });
  afterAll(() => server.remove());

  function at(user: string, database = 'web'): string {
    const url = new URL(server.url);
    [url.username = '', url.password = ''] = user.split(':');
    url.pathname = `/${database}`;
    return url.href;
  }

  const cases: [string, () => string | Promise<string>, RegExp][] = [
    ['wrong password', () => at('web:secret-1'), /refuses the user or the password of DATABASE_URL/],
    ['no password', () => at('web'), /refuses the user or the password of DATABASE_URL/],
    ['unknown user', () => at('nobody:secret-1'), /does not let this user in without TLS.*or an entry for the user/],
    ['no TLS', () => at('remote:secret-1'), /does not let this user in without TLS; add sslmode=verify-full/],
    ['TLS', () => `${at('gatewright:secret-1')}?sslmode=verify-full`, /is on a server without TLS; take sslmode out/],
    ['no database', () => at('gatewright:secret-1', 'none'), /\/none does not exist; create it/],
    ['not its owner', () => at('web:right'), /does not let this user make or change tables/],
    [
      'nobody listens',
      async () => `postgresql://web:secret-1@127.0.0.1:${await freePort()}/web`,
      /refuses connections; start PostgreSQL there/,
    ],
    ['no such host', () => 'postgresql://web:secret-1@db.invalid/web', /on a host that no name server knows; check/],
  ];

  it.each(cases)('%s', async (_, url, sentence) => {
    const failure = await migrateAt(await url()).catch((err: Error) => err);
    expect(failure).toMatchObject({ name: 'OperatorProblem', message: expect.stringMatching(sentence) });
    expect(String(failure)).not.toContain('secret-1');
  });

  it('a server that is too old', async () => {
    const rows = [{ version: '13.9 (Debian)', schema: 'public', isolation: 'read committed' }];
    const old = { query: async () => ({ rows }) } as unknown as PoolClient;
    await expect(checkServer(old, 'db')).rejects.toThrow(
      'kept by PostgreSQL 13.9 (Debian); use PostgreSQL 14 or newer.',
    );
  });

  it('a connection that breaks in the middle', async () => {
    const folder = copyMigrations({ '9000_cut': 'SELECT pg_terminate_backend(pg_backend_pid())' });
    await expect(migrateAt(at('gatewright'), { folder })).rejects.toThrow(/broke the connection off; see the log/);
    expect(await catalogueOf(at('gatewright'))).toEqual(new Map());
  });
});
