import { describe, expect, it } from 'vitest';
import { type ClientSettings, defaultSettings } from '../../src/clients/client.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, BY } from './samples.ts';

/** Every store of the accounts that may use a client must pass this, with the registry that reads what it writes. */
export function listedAccountsContract(name: string, open: () => Promise<TestStores>): void {
  async function opened(accounts: ClientSettings['accounts'] = 'listed') {
    const stores = await open();
    const { clock, outbox, rows } = stores;
    await stores.accounts.create(anAccount(), BY);
    await stores.accounts.create(anAccount({ id: 'acc_eve' }), BY);
    await stores.clients.create(aClient({ settings: { ...defaultSettings('web'), accounts } }), null, BY);
    const events = async (event: string) => (await rows('AuditEvent')).filter((row) => row['event'] === event);
    const ends = async () =>
      (await outbox.take(10, clock() + 1)).flatMap(({ job }) => (job.kind === 'end-access' ? [job] : []));
    return { ...stores, events, ends };
  }

  describe(`the accounts that may use a client in ${name}`, () => {
    it('are listed, seen by both sides, and counted at the next look', async () => {
      const { listedAccounts, registry, clock, events } = await opened();
      expect(await registry.isListed('web', 'acc_ada')).toBe(false);
      expect(await listedAccounts.add('web', 'acc_ada', BY)).toBe(true);
      const listing = { clientId: 'web', accountId: 'acc_ada', since: clock() };
      expect(await registry.isListed('web', 'acc_ada')).toBe(true);
      expect([await registry.isListed('web', 'acc_eve'), await registry.isListed('app', 'acc_ada')]).toEqual([
        false,
        false,
      ]);
      expect(await listedAccounts.ofClient('web')).toEqual([listing]);
      expect(await listedAccounts.ofAccount('acc_ada')).toEqual([listing]);
      expect(await listedAccounts.ofAccount('acc_eve')).toEqual([]);
      expect(await events('client.account_listed')).toMatchObject([
        { clientId: 'web', accountId: 'acc_ada', actor: BY.actor },
      ]);
    });

    it('lose what was issued with their place on the list, in the same transaction', async () => {
      const { listedAccounts, registry, clock, events, ends, refuseInserts } = await opened();
      await listedAccounts.add('web', 'acc_ada', BY);
      clock.forward(60);
      expect(await listedAccounts.remove('web', 'acc_ada', BY)).toBe(true);
      expect(await registry.isListed('web', 'acc_ada')).toBe(false);
      expect(await ends()).toEqual([{ kind: 'end-access', clientId: 'web', accountId: 'acc_ada', before: clock() }]);
      expect(await events('client.account_unlisted')).toMatchObject([{ clientId: 'web', accountId: 'acc_ada' }]);

      await listedAccounts.add('web', 'acc_ada', BY);
      await refuseInserts('OutboxMessage');
      await expect(listedAccounts.remove('web', 'acc_ada', BY)).rejects.toThrow();
      expect(await registry.isListed('web', 'acc_ada')).toBe(true);
      expect(await events('client.account_unlisted')).toHaveLength(1);
    });

    it('lose nothing where the client is open to everybody', async () => {
      const { listedAccounts, ends } = await opened('everyone');
      await listedAccounts.add('web', 'acc_ada', BY);
      expect(await listedAccounts.remove('web', 'acc_ada', BY)).toBe(true);
      expect(await ends()).toEqual([]);
    });

    it('are put on it and taken off it once, however many do it at once', async () => {
      const { listedAccounts, events, ends } = await opened();
      const added = await racers(5, () => listedAccounts.add('web', 'acc_ada', BY));
      expect(added.filter(Boolean)).toHaveLength(1);
      const removed = await racers(5, () => listedAccounts.remove('web', 'acc_ada', BY));
      expect(removed.filter(Boolean)).toHaveLength(1);
      expect(await listedAccounts.ofClient('web')).toEqual([]);
      expect([await events('client.account_listed'), await events('client.account_unlisted')]).toMatchObject(
        [{}, {}].map(() => [{}]),
      );
      expect(await ends()).toHaveLength(1);
    });

    it('are accounts and clients that are there, and go with either', async () => {
      const { listedAccounts, accounts, clients, events, rows } = await opened();
      expect(await listedAccounts.add('web', 'acc_nobody', BY)).toBe(false);
      expect(await listedAccounts.add('nothing', 'acc_ada', BY)).toBe(false);
      expect(await events('client.account_listed')).toEqual([]);
      await listedAccounts.add('web', 'acc_eve', BY);
      await Promise.all([listedAccounts.add('web', 'acc_ada', BY), accounts.delete('acc_ada', BY)]);
      expect((await rows('ClientAccount')).map((row) => row['accountId'])).toEqual(['acc_eve']);
      await clients.delete('web', BY);
      expect(await rows('ClientAccount')).toEqual([]);
    });
  });
}
