import { Client } from 'pg';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openTestStores, ownDatabase } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';
import { locksContract } from './locks.contract.ts';
import { ownAccountContract } from './own-account.contract.ts';
import { passkeyStoreContract } from './passkeys.contract.ts';
import { passwordChangeContract } from './password-change.contract.ts';
import { anAccount, BY } from './samples.ts';

accountStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
locksContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
ownAccountContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
passkeyStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
passwordChangeContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));

it('access ends for whatever was made while the change waited for another', async () => {
  const url = await ownDatabase();
  const { accounts, clock, registry } = await openTestStores({ engine: 'postgresql', url });
  await accounts.create(anAccount(), BY);
  const another = new Client({ connectionString: url });
  await another.connect();
  onTestFinished(() => another.end());
  await another.query('BEGIN; SELECT 1 FROM "Account" FOR UPDATE');

  const changed = accounts.setPassword('acc_ada', 'hash-2', BY);
  await vi.waitFor(async () => {
    const { rows } = await another.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    expect(rows).toHaveLength(1);
  });
  clock.forward(1);
  await another.query('COMMIT');
  await changed;
  expect(await registry.account('acc_ada')).toEqual({ active: true, notBefore: clock() });
});
