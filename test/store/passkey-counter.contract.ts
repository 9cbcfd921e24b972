import { describe, expect, it } from 'vitest';
import type { NewPasskey } from '../../src/accounts/passkey-store.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

const PASSKEY: NewPasskey = {
  ...{ id: 'psk_1', name: 'Laptop', credentialId: 'AQID', publicKey: 'BAUG', counter: 0, transports: ['internal'] },
  ...{ aaguid: '00000000-0000-0000-0000-000000000000', synced: false, backedUp: false, recoveryCodeHashes: null },
};

/** How every PasskeyStore takes counters. */
export function passkeyCounterContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.accounts.create(anAccount(), BY);
    stores.clock.forward(1000);
    const look = async () => (await stores.accounts.find('acc_ada')) ?? { id: '', factorsVersion: 0, notBefore: 0 };
    await stores.passkeys.enrol(await look(), PASSKEY, BY);
    const use = (counter: number, accepted = false) =>
      stores.passkeys.use('psk_1', { counter, backedUp: false, accepted });
    return { ...stores, look, use };
  }
  const TOLD = { id: 'psk_1', accountId: 'acc_ada' };

  describe(`counters of passkeys in ${name}`, () => {
    it('are taken by one of ten racers with the same value', async () => {
      const { use } = await opened();
      expect((await racers(10, () => use(1))).filter(Boolean)).toHaveLength(1);
      expect((await racers(10, () => use(7))).filter(Boolean)).toHaveLength(1);
    });

    it('only grow, but for those that stay at zero', async () => {
      const { use } = await opened();
      expect([await use(0), await use(0), await use(5)]).toEqual([true, true, true]);
      expect([await use(5), await use(4), await use(0)]).toEqual([false, false, false]);
      expect(await use(6)).toBe(true);
    });

    it('go back where that is accepted, and count from there', async () => {
      const { use, passkeys, clock } = await opened();
      expect([await use(2 ** 32 - 1), await use(3, true), await use(3), await use(4)]).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(await passkeys.findByCredential('AQID')).toMatchObject({ counter: 4, lastUsedAt: clock() });
    });

    it('that are refused are written down and told, in one', async () => {
      const { passkeys, rows } = await opened();
      const letters = async () => (await rows('OutboxMessage')).length;
      const before = await letters();
      expect(await passkeys.refuseCounter(TOLD, 'web', BY)).toBe(true);
      expect((await rows('AuditEvent')).at(-1)).toMatchObject({
        event: 'passkey.counter_refused',
        accountId: 'acc_ada',
      });
      expect(await letters()).toBe(before + 1);
    });

    it('of a passkey that is gone tell nobody anything', async () => {
      const { passkeys, look, rows, use } = await opened();
      await passkeys.remove(await look(), 'psk_1', BY);
      const before = [await rows('AuditEvent'), await rows('OutboxMessage')];
      expect(await use(9)).toBe(false);
      expect(await passkeys.refuseCounter(TOLD, 'web', BY)).toBe(false);
      expect(await passkeys.refuseCounter({ ...TOLD, accountId: 'acc_nobody' }, 'web', BY)).toBe(false);
      expect([await rows('AuditEvent'), await rows('OutboxMessage')]).toEqual(before);
    });
  });
}
