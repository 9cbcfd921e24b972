import { Client, type Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nameOf, openPool } from '../../src/store/postgresql/pool.ts';
import type { Database } from '../../src/store/prisma/database.ts';
import { claimInstallation } from '../../src/store/prisma/installation.ts';
import { openPostgresqlDatabase } from '../../src/store/prisma/postgresql-database.ts';
import { testClock } from '../support/clock.ts';
import { newDatabase } from '../support/databases.ts';
import { ISSUER, openTestStores, ownDatabase, racers, testFolders } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

/** As one instance has it. */
async function instance(url: string, size = 4): Promise<{ database: Database; pool: Pool }> {
  const pool = openPool({ url, size });
  const database = openPostgresqlDatabase(pool);
  onTestFinished(async () => {
    await database.close();
    await pool.end();
  });
  return { database, pool };
}

/** Ends a connection as a restart of PostgreSQL, or a network, would. */
async function terminate(url: string, which: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${which}`);
  } finally {
    await client.end();
  }
}

const OF_THE_POOL = `application_name = 'gatewright' AND datname = current_database()`;

describe('transactions on PostgreSQL', () => {
  it('wait for one of few connections, each needing no second one', async () => {
    const { database } = await instance(await ownDatabase());
    const counts = await racers(50, () =>
      database.prisma.$transaction(async (tx) => (await tx.account.count()) + (await tx.client.count())),
    );
    expect(counts).toEqual(Array(50).fill(0));
  });

  it('of one name run one after another, in whichever instance, and each sees what the one before has written', async () => {
    const url = await ownDatabase();
    const instances = await Promise.all([instance(url), instance(url), instance(url)]);
    await racers(30, (index) =>
      (instances[index % 3] ?? instances[0]).database.exclusively('links', async (tx) => {
        const created = new Date(0);
        const id = String(await tx.setupLink.count());
        await tx.setupLink.create({ data: { id, tokenHash: id, createdAt: created, expiresAt: created } });
      }),
    );
    expect(await instances[0].database.prisma.setupLink.count()).toBe(30);
  });

  it('whose connection is cut fail, and leave nothing behind; the next finds a connection that works', async () => {
    const url = await ownDatabase();
    const { database, pool } = await instance(url, 1);
    const at = new Date(0);
    const cut = database.prisma.$transaction(async (tx) => {
      await tx.setupLink.create({ data: { id: 'cut', tokenHash: 'cut', createdAt: at, expiresAt: at } });
      await terminate(url, OF_THE_POOL);
      await tx.setupLink.create({ data: { id: 'after', tokenHash: 'after', createdAt: at, expiresAt: at } });
    });
    await expect(cut).rejects.toThrow();
    expect(await database.prisma.setupLink.count()).toBe(0);

    // Idle ones too.
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await terminate(url, OF_THE_POOL);
    await removed;
    expect(await database.prisma.setupLink.count()).toBe(0);
  });
});

describe('an installation on PostgreSQL', () => {
  it('is made by ten instances that start together, and is one', async () => {
    const { url, drop } = await newDatabase();
    onTestFinished(drop);
    const folders = testFolders();
    const instances = await racers(10, () => openTestStores({ engine: 'postgresql', url, folders }));
    expect(instances.filter(({ migrated }) => migrated.length > 0)).toHaveLength(1);
    const [first, second] = instances;
    await first?.accounts.create(anAccount(), BY);
    expect(await second?.accounts.find('acc_ada')).not.toBeNull();
    expect(await first?.rows('Installation')).toHaveLength(1);
  });

  it('is recorded by one of many that claim it at the same moment', async () => {
    const { database } = await instance(await ownDatabase(), 10);
    // Their connections are there already, so that nothing puts them in a row.
    await racers(10, () => database.prisma.installation.count());
    const claimed = await racers(10, (index) =>
      claimInstallation({ database, clock: testClock() }, { issuer: ISSUER, keyringId: `key-${index}` }).then(
        () => 'claimed',
        (err: Error) => err.name,
      ),
    );
    expect(claimed.sort()).toEqual([...Array(9).fill('OperatorProblem'), 'claimed']);
  });

  it('is made by one of instances that each have a keyring of their own, and refused to the others', async () => {
    const url = await ownDatabase();
    const opened = await racers(5, () =>
      openTestStores({ engine: 'postgresql', url, folders: testFolders() }).then(
        () => 'opened',
        (err: Error) => err.message,
      ),
    );
    expect(opened.filter((result) => result === 'opened')).toHaveLength(1);
    expect(opened.filter((result) => /was sealed with keyring|the keyring .* is missing/.test(result))).toHaveLength(4);
  });

  it('is found again under its issuer only', async () => {
    const url = await ownDatabase();
    const folders = testFolders();
    await (await openTestStores({ engine: 'postgresql', url, folders })).close();
    const elsewhere = openTestStores({ engine: 'postgresql', url, folders, issuer: 'https://other.example.org' });
    await expect(elsewhere).rejects.toThrow(`this database belongs to the issuer ${ISSUER}`);
  });

  it('is named without its password', () => {
    expect(nameOf('postgresql://web:secret-1@db:5433/id?sslmode=verify-full')).toBe('postgresql://db:5433/id');
  });
});
