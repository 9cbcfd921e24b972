import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openPostgresqlEngine } from '../../src/store/postgresql/engine.ts';
import { openPool } from '../../src/store/postgresql/pool.ts';
import { newDatabase } from '../support/databases.ts';
import { openTestStores, ownDatabase } from '../support/stores.ts';
import { run } from './postgresql-migrations.ts';

/** A database whose connections say from now on whether they are to a standby, or look so. */
async function switchable() {
  const { url, drop } = await newDatabase();
  onTestFinished(drop);
  const name = new URL(url).pathname.slice(1);
  const set = `ALTER DATABASE ${name} SET default_transaction_read_only`;
  return { url, becomeReadOnly: (on = true) => run(String(process.env['TEST_POSTGRESQL_URL']), `${set} = ${on}`) };
}

/** As a failover does. */
const cutConnections = (url: string) =>
  run(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'gatewright' AND datname = current_database()`,
  );

it('a database that became read-only is not ready, and is again when its address leads to the primary', async () => {
  const { url, becomeReadOnly } = await switchable();
  await openTestStores({ engine: 'postgresql', url });
  const engine = await openPostgresqlEngine({ url, poolSize: 2, clock: systemClock });
  onTestFinished(() => engine.close());
  expect(await engine.check()).toBe('ok');

  await becomeReadOnly();
  await cutConnections(url);
  // One connection may be told of its end only when it is used.
  await engine.check().catch(() => {});
  expect(await engine.check()).toBe('read-only');
  await becomeReadOnly(false);
  // Nobody cuts the connection this time: the one that is of no use is not kept.
  expect(await engine.check()).toBe('ok');
});

it('a start on a standby is refused', async () => {
  const { url, becomeReadOnly } = await switchable();
  await becomeReadOnly();
  await expect(openPostgresqlEngine({ url, poolSize: 2, clock: systemClock })).rejects.toThrow(
    'is read-only; set DATABASE_URL to the primary server.',
  );
});

it('what a machine that vanished holds is given back', async () => {
  const url = await ownDatabase();
  const pool = openPool({ url, size: 1 });
  onTestFinished(() => pool.end());
  const { rows } = await pool.query(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('idle_in_transaction_session_timeout', 'tcp_keepalives_idle', 'default_transaction_isolation')
     ORDER BY name`,
  );
  expect(rows.map(({ name, setting }) => [name, setting])).toEqual([
    ['default_transaction_isolation', 'read committed'],
    ['idle_in_transaction_session_timeout', '15000'],
    ['tcp_keepalives_idle', '60'],
  ]);
});
