import { describe, expect, it } from 'vitest';
import type { NewTotp } from '../../src/accounts/store.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

const aTotp = (id: string, recoveryCodeHashes: string[] | null): NewTotp => ({
  ...{ id, name: id, secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', confirmedStep: 1, recoveryCodeHashes },
});

/** What people change of their own account, in every AccountStore. */
export function ownAccountContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.accounts.create(anAccount(), BY);
    const look = async () => {
      const account = await stores.accounts.find('acc_ada');
      if (!account) throw new Error('there is no account');
      return account;
    };
    const events = async () => (await stores.rows('AuditEvent')).map((row) => row['event']);
    return { ...stores, look, events };
  }

  describe(`one's own password in ${name}`, () => {
    it('is changed with the end of all that was before', async () => {
      const { accounts, clock, outbox, look, events } = await opened();
      clock.forward(60);
      expect(await accounts.changePassword(await look(), 'new-hash', BY)).toBe(clock());
      expect(await look()).toMatchObject({ passwordHash: 'new-hash', notBefore: clock(), factorsVersion: 2 });
      const jobs = (await outbox.take(10, clock() + 1)).map(({ job }) => job).filter(({ kind }) => kind !== 'mail');
      expect(jobs).toEqual([{ kind: 'end-account', accountId: 'acc_ada', before: clock() }]);
      expect(await events()).toContain('account.password_set');
    });

    it('is changed by one of many', async () => {
      const { accounts, clock, look } = await opened();
      clock.forward(60);
      const asOf = await look();
      const won = await racers(10, (n) => accounts.changePassword(asOf, `hash-${n}`, BY));
      expect(won.filter((at) => at !== null)).toHaveLength(1);
      expect((await look()).passwordHash).toBe(`hash-${won.findIndex((at) => at !== null)}`);
    });

    it('stays where the account was signed out or disabled since', async () => {
      const { accounts, clock, look } = await opened();
      const asOf = await look();
      clock.forward(60);
      await accounts.signOut('acc_ada', BY);
      expect(await accounts.changePassword(asOf, 'new-hash', BY)).toBeNull();
      await accounts.disable('acc_ada', BY);
      expect(await accounts.changePassword(await look(), 'new-hash', BY)).toBeNull();
      expect((await look()).passwordHash).toBe(asOf.passwordHash);
    });

    it('stays where the change cannot be audited', async () => {
      const { accounts, look, refuseInserts } = await opened();
      const before = await look();
      await refuseInserts('AuditEvent');
      await expect(accounts.changePassword(before, 'new-hash', BY)).rejects.toThrow();
      expect(await look()).toEqual(before);
    });
  });

  describe(`one's own authenticators in ${name}`, () => {
    it('are several, under names of their own; a further one leaves the recovery codes', async () => {
      const { accounts, look, events } = await opened();
      await accounts.enrolTotp('acc_ada', 1, aTotp('otp_1', ['a', 'b']), BY);
      await accounts.enrolTotp('acc_ada', 2, aTotp('otp_2', null), BY);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect(await accounts.renameTotp('acc_ada', 'otp_2', 'Tablet', BY)).toBe(true);
      expect(await accounts.renameTotp('acc_eve', 'otp_2', 'Mine', BY)).toBe(false);
      expect((await accounts.authenticators('acc_ada')).map((one) => one.name).sort()).toEqual(['Tablet', 'otp_1']);
      expect(await accounts.authenticators('acc_eve')).toEqual([]);
      expect((await events()).filter((event) => event === 'totp.renamed')).toHaveLength(1);
      expect((await look()).hasTotp).toBe(true);
    });

    it('are removed one at a time; with the last go the recovery codes', async () => {
      const { accounts, look } = await opened();
      await accounts.enrolTotp('acc_ada', 1, aTotp('otp_1', ['a', 'b']), BY);
      await accounts.enrolTotp('acc_ada', 2, aTotp('otp_2', null), BY);
      const asOf = await look();
      const ids = ['otp_1', 'otp_2'];
      const won = await racers(2, (n) => accounts.removeTotp(asOf, String(ids[n]), BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      const [last] = await accounts.authenticators('acc_ada');
      expect(await accounts.removeTotp(await look(), 'otp_none', BY)).toBe(false);
      expect(await accounts.removeTotp(await look(), String(last?.id), BY)).toBe(true);
      expect(await look()).toMatchObject({ hasTotp: false });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
    });

    it('come with recovery codes that are replaced whole, by one of many', async () => {
      const { accounts, look } = await opened();
      await accounts.enrolTotp('acc_ada', 1, aTotp('otp_1', ['a', 'b']), BY);
      const asOf = await look();
      const won = await racers(5, (n) => accounts.replaceRecoveryCodes(asOf, [`c${n}`, `d${n}`, `e${n}`], BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
      expect(await accounts.spendRecoveryCode('acc_ada', ['a'], BY)).toBe(false);
      expect(await accounts.spendRecoveryCode('acc_ada', [`c${won.indexOf(true)}`], BY)).toBe(true);
    });
  });

  describe(`one's own profile in ${name}`, () => {
    it('is changed as it was seen, or not at all', async () => {
      const { accounts, clock, look } = await opened();
      const asOf = await look();
      clock.forward(1);
      expect(await accounts.changeProfile(asOf, { name: 'Ada' }, BY)).toBe(true);
      clock.forward(1);
      expect(await accounts.changeProfile(asOf, { name: 'Other' }, BY)).toBe(false);
      expect((await look()).claims).toEqual({ name: 'Ada' });
    });
  });
}
