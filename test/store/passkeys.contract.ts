import { describe, expect, it } from 'vitest';
import { YOUNG_PASSKEY } from '../../src/accounts/passkey-store.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { Conflict } from '../../src/lib/errors.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, aPasskey, aTotp, BY } from './samples.ts';

/** Every PasskeyStore must pass this, and what removes passkeys beside it. */
export function passkeyStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { accounts, passkeys, outbox, clock, keyring, rows } = stores;
    await accounts.create(anAccount(), BY);
    clock.forward(60);
    const look = async (id = 'acc_ada') => {
      const account = await accounts.find(id);
      if (!account) throw new Error('there is no account');
      return account;
    };
    /** The letters that were queued and not looked at yet, as they went out. */
    async function letters() {
      const taken = await outbox.take(100, clock() + toMilliseconds(DAY));
      return taken.flatMap(({ id, job }) =>
        job.kind === 'mail' ? [openLetter(createSealer(keyring), id, job.sealed)] : [],
      );
    }
    return {
      ...{ ...stores, look, letters },
      add: async (id: string, some: Partial<ReturnType<typeof aPasskey>> = {}) =>
        passkeys.enrol(await look(), aPasskey({ id, ...some }), BY),
      ids: async (accountId = 'acc_ada') => (await passkeys.ofAccount(accountId)).map(({ id }) => id),
      events: async () => (await rows('AuditEvent')).map((row) => String(row['event'])),
      mailed: async () => (await letters()).map(({ about }) => about),
      lockLink: async () => {
        await letters();
        await accounts.setPassword('acc_ada', 'hash-2', BY);
        return sha256((await letters()).find(({ token }) => token)?.token ?? '');
      },
    };
  }

  describe(`a new passkey in ${name}`, () => {
    it('is added by one of many that saw the same account, with its codes, event and letter', async () => {
      const { passkeys, accounts, look, ids, events, mailed } = await opened();
      const asOf = await look();
      const passkeyOf = (n: number) => aPasskey({ id: `psk_${n}`, recoveryCodeHashes: [`a${n}`, `b${n}`] });
      const won = await racers(10, (n) => passkeys.enrol(asOf, passkeyOf(n), BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await ids()).toEqual([`psk_${won.indexOf(true)}`]);
      expect(await look()).toMatchObject({ hasPasskey: true, hasTotp: false, factorsVersion: 2 });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect((await events()).filter((event) => event === 'passkey.enrolled')).toHaveLength(1);
      expect(await mailed()).toEqual([{ message: 'passkey-added' }]);
    });

    it('is kept as it was registered; a further one leaves the recovery codes', async () => {
      const { passkeys, accounts, clock, add, letters } = await opened();
      await add('psk_1', { recoveryCodeHashes: ['a', 'b'] });
      clock.forward(1);
      await add('psk_2', { synced: true, backedUp: true, transports: ['internal', 'hybrid'], counter: 2 ** 32 - 1 });
      const { recoveryCodeHashes: _, ...registered } = aPasskey({ id: 'psk_2' });
      const [, second] = await passkeys.ofAccount('acc_ada');
      expect(second).toEqual({
        ...{ ...registered, accountId: 'acc_ada', createdAt: clock(), lastUsedAt: null },
        ...{ synced: true, backedUp: true, transports: ['internal', 'hybrid'], counter: 2 ** 32 - 1 },
      });
      expect(await passkeys.findByCredential(String(second?.credentialId))).toEqual(second);
      expect(await passkeys.findByCredential('nothing')).toBeNull();
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect((await letters()).map(({ about }) => about)).toContainEqual({ message: 'passkey-added', codesKept: true });
    });

    it('is nobody else’s: a credential is registered once, whoever races for it', async () => {
      const { passkeys, accounts, look, ids, events } = await opened();
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      const asOf = [await look(), await look('acc_bob')] as const;
      const tries = await Promise.allSettled(
        asOf.map((account, n) => passkeys.enrol(account, aPasskey({ id: `psk_${n}`, credentialId: 'same' }), BY)),
      );
      const lost = tries.filter((one) => one.status === 'rejected');
      expect(lost.map(({ reason }) => reason)).toEqual([expect.any(Conflict)]);
      expect([...(await ids()), ...(await ids('acc_bob'))]).toHaveLength(1);
      expect((await events()).filter((event) => event === 'passkey.enrolled')).toHaveLength(1);
    });

    it('is not added where the account was signed out, disabled, or given a factor or password since', async () => {
      const { passkeys, accounts, look, ids, clock } = await opened();
      const since: [string, () => Promise<unknown>][] = [
        ['signed out', () => accounts.signOut('acc_ada', BY)],
        ['another password', () => accounts.setPassword('acc_ada', 'hash-2', BY)],
        ['disabled', () => accounts.disable('acc_ada', BY)],
      ];
      for (const [what, change] of since) {
        const asOf = await look();
        clock.forward(1);
        await change();
        expect([what, await passkeys.enrol(asOf, aPasskey(), BY)]).toEqual([what, false]);
      }
      expect(await ids()).toEqual([]);
    });

    it('is added whole or not at all', async () => {
      const { add, everything, refuseInserts } = await opened();
      const before = await everything();
      await refuseInserts('OutboxMessage');
      await expect(add('psk_1', { recoveryCodeHashes: ['a'] })).rejects.toThrow();
      expect(await everything()).toBe(before);
    });
  });

  describe(`the counter of a passkey in ${name}`, () => {
    it('is taken by one of many with the same value, and by none with a lower one', async () => {
      const { passkeys, add, clock } = await opened();
      await add('psk_1', { counter: 4 });
      const use = (counter: number, accepted = false) => passkeys.use('psk_1', { counter, backedUp: false, accepted });
      const won = await racers(10, () => use(5));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect([await use(5), await use(4), await use(0), await use(6)]).toEqual([false, false, false, true]);
      expect(await passkeys.ofAccount('acc_ada')).toMatchObject([{ counter: 6, lastUsedAt: clock() }]);
      expect([await use(3, true), await use(4)]).toEqual([true, true]);
      expect(await passkeys.use('psk_none', { counter: 9, backedUp: false, accepted: true })).toBe(false);
    });

    it('may stay at zero where it never was anything else', async () => {
      const { passkeys, add } = await opened();
      await add('psk_1', { counter: 0 });
      const use = (counter: number, backedUp: boolean) => passkeys.use('psk_1', { counter, backedUp, accepted: false });
      expect(await racers(3, () => use(0, true))).toEqual([true, true, true]);
      expect(await passkeys.ofAccount('acc_ada')).toMatchObject([{ backedUp: true }]);
      expect([await use(1, false), await use(0, false)]).toEqual([true, false]);
    });
  });

  describe(`a passkey in ${name}`, () => {
    it('is renamed by its owner alone', async () => {
      const { passkeys, add, events } = await opened();
      await add('psk_1');
      expect(await passkeys.rename('acc_ada', 'psk_1', 'Laptop', BY)).toBe(true);
      expect(await passkeys.rename('acc_eve', 'psk_1', 'Mine', BY)).toBe(false);
      expect(await passkeys.ofAccount('acc_ada')).toMatchObject([{ name: 'Laptop' }]);
      expect((await events()).filter((event) => event === 'passkey.renamed')).toHaveLength(1);
    });

    it('is removed one at a time; with the last second factor go the recovery codes', async () => {
      const { passkeys, accounts, look, add, ids, mailed } = await opened();
      await add('psk_1', { recoveryCodeHashes: ['a', 'b'] });
      await add('psk_2');
      await mailed();
      const asOf = await look();
      const won = await racers(2, (n) => passkeys.remove(asOf, `psk_${n + 1}`, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await mailed()).toEqual([{ message: 'passkey-removed' }]);
      expect(await passkeys.remove(await look(), 'psk_none', BY)).toBe(false);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      const [last] = await ids();
      expect(await passkeys.remove(await look(), String(last), BY)).toBe(true);
      expect(await look()).toMatchObject({ hasPasskey: false, notBefore: asOf.notBefore });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
    });

    it('leaves the recovery codes where an app is left, and an app where a passkey is', async () => {
      const { passkeys, accounts, look, add } = await opened();
      await add('psk_1', { recoveryCodeHashes: ['a', 'b'] });
      await accounts.enrolTotp('acc_ada', 2, aTotp({ recoveryCodeHashes: null }), BY);
      await passkeys.remove(await look(), 'psk_1', BY);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      await add('psk_2');
      await accounts.removeTotp(await look(), 'otp_1', BY);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
    });

    it('is removed by an operator with the end of every session, also of who is disabled', async () => {
      const { passkeys, accounts, look, add, mailed, clock } = await opened();
      await add('psk_1');
      await accounts.disable('acc_ada', BY);
      await mailed();
      clock.forward(5);
      expect(await passkeys.removeByOperator('acc_bob', 'psk_1', BY)).toBe(false);
      expect(await passkeys.removeByOperator('acc_ada', 'psk_none', BY)).toBe(false);
      expect(await passkeys.removeByOperator('acc_ada', 'psk_1', BY)).toBe(true);
      expect(await look()).toMatchObject({ hasPasskey: false, notBefore: clock(), demandedLevel: 'two-factor' });
      expect(await mailed()).toEqual([{ message: 'passkey-removed', byOperator: true }]);
    });

    it('goes with all other factors, and with the account', async () => {
      const { accounts, add, ids, rows } = await opened();
      await add('psk_1', { recoveryCodeHashes: ['a'] });
      await accounts.resetFactors('acc_ada', BY);
      expect(await ids()).toEqual([]);
      await add('psk_2');
      await accounts.delete('acc_ada', BY);
      expect(await rows('Passkey')).toEqual([]);
    });
  });

  describe(`a password in ${name} that its owner gives up`, () => {
    it('is gone by one of many, with nothing else but links that would set one', async () => {
      const { accounts, links, look, add, mailed, letters, events } = await opened();
      await add('psk_1');
      await links.send('acc_ada', { purpose: 'password-reset', language: 'en', by: BY });
      const reset = sha256((await letters()).find(({ about }) => about.message === 'password-reset')?.token ?? '');
      expect(await links.open(reset)).not.toBeNull();
      const asOf = await look();
      const won = await racers(10, () => accounts.removePassword(asOf, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await look()).toMatchObject({ passwordHash: null, hasPasskey: true, notBefore: asOf.notBefore });
      expect(await links.open(reset)).toBeNull();
      expect((await events()).filter((event) => event === 'account.password_removed')).toHaveLength(1);
      expect(await mailed()).toEqual([{ message: 'password-removed' }]);
    });

    it('stays where there is no passkey, or the last one goes at the same time', async () => {
      const { accounts, passkeys, look, add, clock } = await opened();
      expect(await accounts.removePassword(await look(), BY)).toBe(false);
      for (let round = 0; round < 6; round += 1) {
        clock.forward(1);
        await add(`psk_${round}`);
        const asOf = await look();
        const both = [
          () => accounts.removePassword(asOf, BY),
          () => passkeys.remove(asOf, `psk_${round}`, BY),
        ] as const;
        const done = await Promise.all((round % 2 ? both : both.toReversed()).map((change) => change()));
        expect(done.filter(Boolean)).toHaveLength(1);
        const { passwordHash, hasPasskey } = await look();
        expect([passwordHash === null, hasPasskey]).toEqual(passwordHash === null ? [true, true] : [false, false]);
        await accounts.setPassword('acc_ada', 'hash-1', BY);
        await accounts.resetFactors('acc_ada', BY);
      }
    });
  });

  describe(`a passkey in ${name} that somebody else may have added`, () => {
    it('goes when the account is locked: those of a week before the letter, and since', async () => {
      const { accounts, clock, add, ids, lockLink, mailed, events } = await opened();
      await add('psk_old', { recoveryCodeHashes: ['a', 'b'] });
      clock.forward(YOUNG_PASSKEY / 2);
      await add('psk_week');
      clock.forward(YOUNG_PASSKEY / 2 + 1);
      const link = await lockLink();
      clock.forward(6 * DAY);
      await add('psk_since');
      await mailed();
      expect(await accounts.lockByLink('acc_ada', link, BY)).toBe(true);
      expect(await ids()).toEqual(['psk_old']);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect(await mailed()).toEqual([{ message: 'account-locked', passkeysRemoved: 2 }]);
      expect((await events()).filter((event) => event === 'passkey.removed')).toHaveLength(2);
    });

    it('is not added while the account is being locked', async () => {
      const { accounts, passkeys, clock, look, ids, lockLink } = await opened();
      for (let round = 0; round < 6; round += 1) {
        const link = await lockLink();
        const asOf = await look();
        const both = [
          () => passkeys.enrol(asOf, aPasskey({ id: `psk_${round}` }), BY),
          () => accounts.lockByLink('acc_ada', link, BY),
        ];
        await Promise.all((round % 2 ? both : both.toReversed()).map((change) => change()));
        expect([(await look()).passwordHash, await ids()]).toEqual([null, []]);
        clock.forward(60);
      }
    });

    it('goes in an incident that concerns the account, and stays where the operator says so', async () => {
      const { incidents, clock, add, ids, mailed, accounts } = await opened();
      await add('psk_old', { recoveryCodeHashes: ['a'] });
      clock.forward(YOUNG_PASSKEY + 1);
      await add('psk_young');
      const password = 'none' as const;
      const held = { accountId: 'acc_ada', sessions: 0, grants: 0, told: [], password, mail: true };
      const kept = await incidents.open('inc_1', { kind: 'account', accountId: 'acc_ada' }, 'one', BY);
      clock.forward(1);
      await incidents.endAccount(kept, { ...held, removePasskeys: false }, BY);
      expect(await ids()).toEqual(['psk_old', 'psk_young']);
      const incident = await incidents.open('inc_2', { kind: 'account', accountId: 'acc_ada' }, 'two', BY);
      await mailed();
      clock.forward(1);
      await incidents.endAccount(incident, { ...held, removePasskeys: true }, BY);
      expect(await ids()).toEqual(['psk_old']);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(1);
      expect(await mailed()).toEqual([{ message: 'incident', must: 'sign-in', passkeysRemoved: 1 }]);
      expect((await incidents.ended(incident)).accounts).toMatchObject([{ passkeysRemoved: 1 }]);
      expect((await incidents.ended(kept)).accounts).toMatchObject([{ passkeysRemoved: 0 }]);
    });

    it('goes when the owner undoes that another address was asked for', async () => {
      const { accounts, links, clock, add, look, ids, letters, mailed } = await opened();
      const { email: from, factorsVersion, notBefore } = await look();
      const wish = { accountId: 'acc_ada', from, to: 'eve@example.org', factorsVersion, notBefore };
      await links.askChange(wish, { language: 'en', by: BY });
      const undo = (await letters()).find(({ about }) => about.message === 'email-change-asked');
      clock.forward(60);
      await add('psk_eve');
      await mailed();
      expect(await accounts.undoEmail('acc_ada', sha256(undo?.token ?? ''), 'en', BY)).toBe(true);
      expect(await ids()).toEqual([]);
      expect(await mailed()).toEqual([{ message: 'email-undone', passkeysRemoved: 1 }]);
    });
  });
}
