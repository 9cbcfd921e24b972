import { describe, expect, it } from 'vitest';
import type { TestStores } from '../support/stores.ts';
import { aClient, anAccount, BY } from './samples.ts';

const API = 'https://api.example.org';

/** Every ConsentStore must pass this. */
export function consentStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.accounts.create(anAccount(), BY);
    await stores.clients.create(aClient(), null, BY);
    return stores;
  }

  describe(`consents in ${name}`, () => {
    it('are added to, per account and client', async () => {
      const { consents, rows } = await opened();
      expect(await consents.find('acc_ada', 'web')).toBeNull();
      await consents.give(
        'acc_ada',
        'web',
        { scopes: ['openid'], claims: ['email'], resources: { [API]: ['read'] } },
        BY,
      );
      await consents.give('acc_ada', 'web', { scopes: ['openid', 'profile'], claims: [], resources: {} }, BY);
      await consents.give('acc_ada', 'web', { scopes: [], claims: ['name'], resources: { [API]: ['write'] } }, BY);

      expect(await consents.find('acc_ada', 'web')).toEqual({
        scopes: ['openid', 'profile'],
        claims: ['email', 'name'],
        resources: { [API]: ['read', 'write'] },
      });
      expect(await consents.find('acc_ada', 'app')).toBeNull();
      expect((await rows('AuditEvent')).filter((row) => row['event'] === 'consent.given')).toHaveLength(3);
    });

    it('given at the same time are all kept', async () => {
      const { consents } = await opened();
      const scopes = ['openid', 'profile', 'email', 'address', 'phone'];
      const give = (scope: string) =>
        consents.give('acc_ada', 'web', { scopes: [scope], claims: [], resources: {} }, BY);
      await Promise.all(scopes.map(give));
      expect((await consents.find('acc_ada', 'web'))?.scopes.sort()).toEqual([...scopes].sort());
    });

    it('are listed with their beginning, and taken back with a job that ends what rests on them', async () => {
      const { consents, outbox, clock, rows } = await opened();
      const consent = { scopes: ['openid'], claims: [], resources: {} };
      await consents.give('acc_ada', 'web', consent, BY);
      const since = clock();
      clock.forward(60);
      await consents.give('acc_ada', 'web', consent, BY);
      expect(await consents.listOf('acc_ada')).toEqual([{ clientId: 'web', consent, since }]);
      expect(await consents.listOf('acc_eve')).toEqual([]);

      await consents.withdraw('acc_eve', 'web', BY);
      expect(await consents.listOf('acc_ada')).toHaveLength(1);
      await consents.withdraw('acc_ada', 'web', BY);
      expect(await consents.find('acc_ada', 'web')).toBeNull();
      const jobs = (await outbox.take(10, clock() + 1)).map(({ job }) => job);
      expect(jobs).toContainEqual({ kind: 'end-access', accountId: 'acc_ada', clientId: 'web', before: clock() });
      expect((await rows('AuditEvent')).filter((row) => row['event'] === 'consent.withdrawn')).toHaveLength(2);
    });

    it('are not taken back where that cannot be audited', async () => {
      const { consents, refuseInserts } = await opened();
      await consents.give('acc_ada', 'web', { scopes: ['openid'], claims: [], resources: {} }, BY);
      await refuseInserts('AuditEvent');
      await expect(consents.withdraw('acc_ada', 'web', BY)).rejects.toThrow();
      expect(await consents.find('acc_ada', 'web')).not.toBeNull();
    });

    it('are not kept where they cannot be audited', async () => {
      const { consents, refuseInserts } = await opened();
      await refuseInserts('AuditEvent');
      await expect(
        consents.give('acc_ada', 'web', { scopes: ['openid'], claims: [], resources: {} }, BY),
      ).rejects.toThrow();
      expect(await consents.find('acc_ada', 'web')).toBeNull();
    });
  });
}
