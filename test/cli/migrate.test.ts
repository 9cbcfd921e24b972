import { Client } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { newDatabase } from '../support/databases.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresqlServer } from '../support/postgresql-server.ts';
import { installation } from './gatewright.ts';

const ends: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(ends.map((end) => end())));

/** An installation whose database is on PostgreSQL. */
async function onPostgresql() {
  const { url, drop } = await newDatabase();
  ends.push(drop);
  const place = installation();
  place.env['DATABASE_URL'] = url;
  return { ...place, url };
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.concurrent('migrate on PostgreSQL', { timeout: 120_000 }, () => {
  it('lists what would be done and does nothing, then does it, and finds nothing more to do', async () => {
    const { json, run, url } = await onPostgresql();
    const { pending } = await json(['migrate', '--check']);
    expect(pending).toContain('0001_initial');
    expect(await query(url, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
    expect(await json(['migrate'])).toEqual({ applied: pending });
    expect(await json(['migrate'])).toEqual({ applied: [] });
    expect((await run(['migrate', '--check'])).stdout).toBe('The database is up to date.\n');
  });

  it('run by ten processes at once is done by one, and fails in none', async () => {
    const { run, url } = await onPostgresql();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => run(['migrate', '--json'])));
    expect(outcomes.map(({ status, stderr }) => (status === 0 ? status : stderr))).toEqual(Array(10).fill(0));
    expect(outcomes.filter(({ json }) => json.applied.length > 0)).toHaveLength(1);
    expect(await query(url, 'SELECT 1 FROM "Installation"')).toHaveLength(1);
  });

  it('refuses a database that a newer version has migrated', async () => {
    const { json, run, url } = await onPostgresql();
    await json(['migrate']);
    await query(
      url,
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '9000_x', now())`,
    );
    for (const args of [['migrate', '--check'], ['migrate']]) {
      const { status, stderr } = await run(args);
      expect([status, stderr]).toEqual([1, expect.stringMatching(/written by a newer version .*start that version/)]);
    }
  });

  it('says in one sentence that nobody answers', async () => {
    const { run } = await onPostgresql();
    const env = { DATABASE_URL: `postgresql://web:secret-1@127.0.0.1:${await freePort()}/id` };
    for (const args of [['migrate', '--check'], ['migrate'], ['account', 'list']]) {
      const { status, stdout, stderr } = await run(args, { env });
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^[^\n]*postgresql:\/\/127\.0\.0\.1:\d+\/id refuses connections; start PostgreSQL[^\n]*\n$/,
      );
      expect(stderr).not.toContain('secret-1');
    }
  });

  it('says in one sentence that the password is wrong, without saying it', async () => {
    const server = await startPostgresqlServer();
    ends.push(() => server.remove());
    await query(server.url, `CREATE ROLE web LOGIN PASSWORD 'right'`);
    const [setting] = await query(server.url, 'SHOW hba_file');
    await query(server.url, `COPY (SELECT 'host all all all scram-sha-256') TO '${setting?.['hba_file']}'`);
    await server.stop();
    await server.start();
    const url = new URL(server.url);
    [url.username, url.password] = ['web', 'secret-1'];

    const { run } = installation();
    for (const args of [['migrate', '--check'], ['migrate']]) {
      const { status, stderr } = await run(args, { env: { DATABASE_URL: url.href } });
      expect([status, stderr]).toEqual([1, expect.stringMatching(/refuses the user or the password of DATABASE_URL/)]);
      expect(stderr).not.toContain('secret-1');
    }
  });
});
