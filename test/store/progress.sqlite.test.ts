import { describe, expect, it } from 'vitest';
import { openTestState } from '../support/stores.ts';
import { progressStoreContract } from './progress.contract.ts';

progressStoreContract('SQLite', () => openTestState());

describe('progress in the state file', () => {
  it('is sealed, its id hashed', async () => {
    const { progress, clock, db } = openTestState();
    await progress('flow').save('an-unguessable-id', { seed: 'a-secret-seed' }, 0, clock() + 1000);
    const row = db.prepare('SELECT id_hash, sealed FROM progress').get();
    expect(row?.['id_hash']).not.toContain('an-unguessable-id');
    expect(Buffer.from(row?.['sealed'] as Uint8Array).toString('latin1')).not.toContain('a-secret-seed');
  });

  it('opens in no other row', async () => {
    const { progress, clock, db } = openTestState();
    const flow = progress('flow');
    await flow.save('mine', { account: 'mine' }, 0, clock() + 1000);
    const mine = db.prepare('SELECT sealed FROM progress').get()?.['sealed'] ?? null;
    await flow.save('yours', { account: 'yours' }, 0, clock() + 1000);
    db.prepare('UPDATE progress SET sealed = ?').run(mine);
    expect(await flow.load('mine')).not.toBeNull();
    await expect(flow.load('yours')).rejects.toThrow();
  });
});
