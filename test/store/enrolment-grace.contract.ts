import { describe, expect, it } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, aTotp, BY } from './samples.ts';

/** The time that people are given to add a factor, in every AccountStore. */
export function enrolmentGraceContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { accounts, clock, rows } = stores;
    await accounts.create(anAccount(), BY);
    const look = async () => {
      const account = await accounts.find('acc_ada');
      if (!account) throw new Error('there is no account');
      return account;
    };
    const until = () => clock() + toMilliseconds(14 * DAY);
    return {
      ...{ ...stores, look, until },
      postpone: async (asOf = look()) => accounts.postponeEnrolment(await asOf, until(), BY),
      postponed: async () => (await rows('AuditEvent')).filter(({ event }) => event === 'enrolment.postponed'),
    };
  }

  describe(`the time to add a factor in ${name}`, () => {
    it('is given once, whoever races for it, and told the trail', async () => {
      const { look, postpone, postponed, until, clock } = await opened();
      expect((await look()).enrolmentDueAt).toBeNull();
      const given = await racers(10, () => postpone());
      expect(given.filter(Boolean)).toHaveLength(1);
      const first = until();
      clock.forward(1);
      expect(await postpone()).toBe(false);
      clock.forward(30 * DAY);
      expect(await postpone()).toBe(false);
      expect((await look()).enrolmentDueAt).toBe(first);
      expect(await postponed()).toHaveLength(1);
    });

    it.each([
      ['a password was set', ({ accounts }: TestStores) => accounts.setPassword('acc_ada', 'hash-2', BY)],
      ['the account was signed out', ({ accounts }: TestStores) => accounts.signOut('acc_ada', BY)],
      ['it was disabled', ({ accounts }: TestStores) => accounts.disable('acc_ada', BY)],
      ['a factor was added', ({ accounts }: TestStores) => accounts.enrolTotp('acc_ada', 1, aTotp(), BY)],
    ])('is not given where %s meanwhile', async (_name, change) => {
      const stores = await opened();
      const before = await stores.look();
      stores.clock.forward(1000);
      await change(stores);
      expect(await stores.postpone(Promise.resolve(before))).toBe(false);
      expect((await stores.look()).enrolmentDueAt).toBeNull();
    });

    it.each([
      ['a reset of the factors', ({ accounts }: TestStores) => accounts.resetFactors('acc_ada', BY)],
      ['an authenticator removed', ({ accounts }: TestStores) => accounts.removeAuthenticator('acc_ada', 'otp_1', BY)],
      ['a passkey removed', ({ passkeys }: TestStores) => passkeys.removeByOperator('acc_ada', 'psk_1', BY)],
    ])('is over with %s by an operator, given or not', async (_name, remove) => {
      for (const isGiven of [true, false]) {
        const stores = await opened();
        const { accounts, passkeys, clock, look, postpone } = stores;
        if (isGiven) await postpone();
        await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
        const passkey = {
          ...{ id: 'psk_1', credentialId: 'c', publicKey: 'k', counter: 0, transports: [], name: 'Phone' },
          ...{ synced: true, backedUp: true, aaguid: '', recoveryCodeHashes: null },
        };
        await passkeys.enrol(await look(), passkey, BY);
        clock.forward(1000);
        expect(await remove(stores)).toBe(true);
        expect((await look()).enrolmentDueAt).toBe(clock());
        expect(await postpone()).toBe(false);
      }
    });

    it('is not given where that cannot be audited', async () => {
      const { look, postpone, refuseInserts } = await opened();
      await refuseInserts('AuditEvent');
      await expect(postpone()).rejects.toThrow();
      expect((await look()).enrolmentDueAt).toBeNull();
    });
  });
}
