import { describe, expect, it } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

/** Every KnownBrowserStore must pass this. */
export function knownBrowserStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    for (const id of ['acc_ada', 'acc_bob']) await stores.accounts.create(anAccount({ id }), BY);
    const { knownBrowsers: browsers, clock } = stores;
    clock.forward(1000);
    const alive = () => ({ mostFailures: 5, since: clock() - toMilliseconds(400 * DAY) });
    return {
      ...{ ...stores, browsers },
      add: (idHash: string, provedAt = clock()) => browsers.add(idHash, 'acc_ada', { provedAt, most: 3, by: BY }),
      take: (idHash: string, accountId = 'acc_ada') => browsers.take(idHash, accountId, alive()),
      seen: (idHash: string, accountId = 'acc_ada') => browsers.seen(idHash, accountId, alive()),
    };
  }

  describe(`known browsers in ${name}`, () => {
    it('let five of fifty racers pass, and none after them', async () => {
      const { add, take, seen } = await opened();
      await add('one');
      const passed = await racers(50, () => take('one'));
      expect(passed.filter(Boolean)).toHaveLength(5);
      expect(await take('one')).toBe(false);
      expect(await seen('one')).toBe(false);
    });

    it('are listed to their owner by their dates', async () => {
      const { add, seen, browsers, clock } = await opened();
      await add('one');
      const knownSince = clock();
      clock.forward(60);
      await seen('one');
      const listed = [{ createdAt: knownSince, lastSeenAt: clock(), browser: null, trustedUntil: null }];
      expect(await browsers.listOf('acc_ada')).toMatchObject(listed);
      expect(await browsers.listOf('acc_bob')).toEqual([]);
    });

    it('get back what was right or not checked, and no more than was taken', async () => {
      const { add, take, browsers } = await opened();
      await add('one');
      await browsers.giveBack('one');
      for (let count = 0; count < 4; count += 1) await take('one');
      for (let count = 0; count < 5; count += 1) {
        expect(await take('one')).toBe(true);
        await browsers.giveBack('one');
      }
      expect(await take('one')).toBe(true);
      expect(await take('one')).toBe(false);
    });

    it('are known for their own account alone', async () => {
      const { add, take, seen, rows } = await opened();
      await add('one');
      expect([await take('one', 'acc_bob'), await take('one', ''), await seen('one', 'acc_bob')]).toEqual([
        ...[false, false, false],
      ]);
      expect(await take('another')).toBe(false);
      expect(await rows('KnownBrowser')).toMatchObject([{ idHash: 'one', accountId: 'acc_ada', failures: 0 }]);
    });

    it('are forgotten when they were not seen for 400 days', async () => {
      const { add, take, seen, clock } = await opened();
      await add('one');
      clock.forward(399 * DAY);
      expect(await seen('one')).toBe(true);
      clock.forward(399 * DAY);
      expect(await take('one')).toBe(true);
      clock.forward(DAY);
      expect([await take('one'), await seen('one')]).toEqual([false, false]);
    });

    it('are no more than so many for each account: the one not seen for longest goes', async () => {
      const { add, seen, take, clock } = await opened();
      for (const idHash of ['one', 'two', 'three']) {
        await add(idHash);
        clock.forward(1);
      }
      await seen('one');
      clock.forward(1);
      await add('four');
      expect(await Promise.all(['one', 'two', 'three', 'four'].map((idHash) => take(idHash)))).toEqual([
        ...[true, false, true, true],
      ]);
    });

    it.each([
      ['disabled', ({ accounts }: TestStores) => accounts.disable('acc_ada', BY)],
      ['signed out everywhere', ({ accounts }: TestStores) => accounts.signOut('acc_ada', BY)],
      ['deleted', ({ accounts }: TestStores) => accounts.delete('acc_ada', BY)],
    ])('end when the account is %s, and what was proved before adds none', async (_name, end) => {
      const stores = await opened();
      const provedAt = stores.clock();
      await stores.add('one');
      await end(stores);
      expect(await stores.take('one')).toBe(false);
      expect(await stores.add('two', provedAt)).toBe(false);
      expect(await stores.rows('KnownBrowser')).toEqual([]);
    });

    it('stay through a change of the password', async () => {
      const { add, take, accounts } = await opened();
      await add('one');
      await accounts.setPassword('acc_ada', 'hash-2', BY);
      expect(await take('one')).toBe(true);
    });

    it('are never left behind by one that is added while the account is disabled', async () => {
      const stores = await opened();
      const { accounts, clock, rows } = stores;
      for (let round = 0; round < 10; round += 1) {
        const provedAt = clock();
        await Promise.all([
          ...Array.from({ length: 4 }, (_, index) => stores.add(`${round}-${index}`, provedAt)),
          accounts.disable('acc_ada', BY),
        ]);
        expect(await rows('KnownBrowser')).toEqual([]);
        await accounts.enable('acc_ada', BY);
        clock.forward(1000);
      }
    });
  });
}
