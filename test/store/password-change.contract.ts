import { describe, expect, it } from 'vitest';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

/** Passwords that have to be replaced, in every AccountStore. */
export function passwordChangeContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.accounts.create(anAccount(), BY);
    stores.clock.forward(60);
    const look = async () => {
      const account = await stores.accounts.find('acc_ada');
      if (!account) throw new Error('there is no account');
      return account;
    };
    return { ...stores, look };
  }

  describe(`a password that must go in ${name}`, () => {
    it('ends what was before, has known browsers forgotten, and its owner told', async () => {
      const { accounts, clock, knownBrowsers, mails, rows, look } = await opened();
      await knownBrowsers.add('browser', 'acc_ada', { provedAt: clock(), most: 10, by: BY });
      expect(await rows('KnownBrowser')).toHaveLength(1);
      clock.forward(1);
      expect(await accounts.requirePasswordChange('acc_ada', BY)).toBe(true);
      expect(await look()).toMatchObject({ mustChangePassword: true, notBefore: clock(), passwordHash: 'hash-1' });
      expect(await rows('KnownBrowser')).toEqual([]);
      expect((await mails.list()).map(({ message }) => message)).toEqual(['password-change-required']);
    });

    it('is replaced by no link that was mailed before', async () => {
      const { accounts, links, rows } = await opened();
      await links.send('acc_ada', { purpose: 'password-reset', language: 'en', by: BY });
      expect(await rows('MailedLink')).toHaveLength(1);
      await accounts.requirePasswordChange('acc_ada', BY);
      expect(await rows('MailedLink')).toEqual([]);
    });

    it('is asked for by one of many, and not again before it has gone', async () => {
      const { accounts, look, rows, everything } = await opened();
      const won = await racers(10, () => accounts.requirePasswordChange('acc_ada', BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await look()).toMatchObject({ mustChangePassword: true, factorsVersion: 2 });
      // What ends access, and the letter.
      expect(await rows('OutboxMessage')).toHaveLength(2);
      const before = await everything();
      expect(await accounts.requirePasswordChange('acc_ada', BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('is not asked for where there is none', async () => {
      const { accounts, everything } = await opened();
      await accounts.create(anAccount({ id: 'acc_bob', passwordHash: null }), BY);
      const before = await everything();
      expect(await accounts.requirePasswordChange('acc_bob', BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('goes by one of many changes, and is then not asked for', async () => {
      const { accounts, clock, look } = await opened();
      await accounts.requirePasswordChange('acc_ada', BY);
      clock.forward(1);
      const asOf = await look();
      const won = await racers(10, (n) => accounts.changePassword(asOf, `new-${n}`, BY));
      expect(won.filter((at) => at !== null)).toHaveLength(1);
      expect(await look()).toMatchObject({ mustChangePassword: false, notBefore: clock() });
    });

    it('stays asked for whichever of a change and the demand comes first', async () => {
      const { accounts, look } = await opened();
      for (let round = 0; round < 5; round += 1) {
        const asOf = await look();
        const [required] = await Promise.all([
          accounts.requirePasswordChange('acc_ada', BY),
          accounts.changePassword(asOf, `new-${round}`, BY),
        ]);
        expect([required, (await look()).mustChangePassword]).toEqual([true, true]);
        await accounts.setPassword('acc_ada', 'hash-1', BY);
      }
    });

    it('is not asked for again of what was seen before the demand', async () => {
      const { accounts, clock, look } = await opened();
      const asOf = await look();
      // A clock that went back moves no `notBefore`; the number of the factors is what tells.
      await accounts.signOut('acc_ada', BY);
      const signedOut = await look();
      clock.forward(-30);
      await accounts.requirePasswordChange('acc_ada', BY);
      for (const seen of [asOf, signedOut]) expect(await accounts.changePassword(seen, 'new', BY)).toBeNull();
      expect(await look()).toMatchObject({ mustChangePassword: true, passwordHash: 'hash-1' });
    });

    it('goes by an operator too, or comes with a temporary one', async () => {
      const { accounts, look } = await opened();
      await accounts.setPassword('acc_ada', 'temporary', BY, true);
      expect(await look()).toMatchObject({ mustChangePassword: true, passwordHash: 'temporary' });
      await accounts.setPassword('acc_ada', 'lasting', BY);
      expect(await look()).toMatchObject({ mustChangePassword: false, passwordHash: 'lasting' });
      await accounts.requirePasswordChange('acc_ada', BY);
      await accounts.setPassword('acc_ada', 'another', BY);
      expect(await look()).toMatchObject({ mustChangePassword: false, passwordHash: 'another' });
    });

    it('is left to ask for in those accounts that have one to keep', async () => {
      const { accounts, clock } = await opened();
      await accounts.create(anAccount({ id: 'acc_bob', passwordHash: null }), BY);
      await accounts.create(anAccount({ id: 'acc_eve' }), BY);
      clock.forward(1);
      await accounts.create(anAccount({ id: 'acc_root', role: 'administrator' }), BY);
      await accounts.disable('acc_root', BY);
      await accounts.requirePasswordChange('acc_eve', BY);
      expect(await accounts.passwordsToKeep()).toEqual(['acc_ada', 'acc_root']);
    });
  });
}
