import { describe, expect, it } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, aTotp, BY } from './samples.ts';

/** What a mailed link does to an account, in every AccountStore. */
export function locksContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { accounts, links, knownBrowsers, outbox, clock, keyring, rows } = stores;
    await accounts.create(anAccount(), BY, aTotp());
    clock.forward(60);

    /** The letters that were queued and not looked at yet, as they went out. */
    async function letters() {
      const taken = await outbox.take(100, clock() + toMilliseconds(DAY));
      return taken.flatMap(({ id, job }) =>
        job.kind === 'mail' ? [openLetter(createSealer(keyring), id, job.sealed)] : [],
      );
    }
    async function linkOf(queue: () => Promise<unknown>): Promise<string> {
      await letters();
      await queue();
      clock.forward(1);
      return sha256((await letters()).find(({ token }) => token)?.token ?? '');
    }
    const ask = (purpose: 'password-reset' | 'sign-in-unlock') =>
      linkOf(() => links.send('acc_ada', { purpose, language: 'en', by: BY }));
    return {
      ...{ ...stores, letters },
      lockLink: () => linkOf(() => accounts.setPassword('acc_ada', 'hash-2', BY)),
      ...{ resetLink: () => ask('password-reset'), unlockLink: () => ask('sign-in-unlock') },
      lock: (tokenHash: string) => accounts.lockByLink('acc_ada', tokenHash, BY),
      look: async () => (await rows('Account')).find((row) => row['id'] === 'acc_ada') ?? {},
      known: (idHash: string, provedAt = clock()) =>
        knownBrowsers.add(idHash, 'acc_ada', { provedAt, most: 10, by: BY }),
      events: async (event: string) => (await rows('AuditEvent')).filter((row) => row['event'] === event).length,
    };
  }

  describe(`an account in ${name}, locked by a mailed link`, () => {
    it('has no password, no browser, no session and no other open link; its factors stay; a letter opens it', async () => {
      const { lockLink, resetLink, unlockLink, lock, look, known, letters, links, rows, clock, events, accounts } =
        await opened();
      const [older, link, reset, unlock] = [await lockLink(), await lockLink(), await resetLink(), await unlockLink()];
      await known('one');
      await letters();
      const before = await look();
      expect(await lock(link)).toBe(true);

      const account = await accounts.find('acc_ada');
      expect(account).toMatchObject({ passwordHash: null, status: 'active', hasTotp: true, notBefore: clock() });
      expect(account?.factorsVersion).toBe(Number(before['factorsVersion']) + 1);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
      expect(await rows('KnownBrowser')).toEqual([]);
      for (const other of [older, link, reset, unlock]) expect(await links.open(other)).toBeNull();
      expect(await events('account.locked_by_owner')).toBe(1);

      const [letter, ...more] = await letters();
      expect([letter?.about, letter?.to, more]).toEqual([{ message: 'account-locked' }, 'ada@example.org', []]);
      const fresh = sha256(letter?.token ?? '');
      expect(await links.open(fresh)).toMatchObject({ purpose: 'password-reset' });
      expect(await accounts.resetPassword('acc_ada', fresh, 'hash-3', BY)).toBe(true);
    });

    it('is so once for each link, and not by one that is for something else, or of somebody else', async () => {
      const { accounts, lockLink, resetLink, unlockLink, lock, look } = await opened();
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      const link = await lockLink();
      for (const other of [await resetLink(), await unlockLink(), 'no-such-link'])
        expect(await lock(other)).toBe(false);
      expect(await accounts.lockByLink('acc_bob', link, BY)).toBe(false);
      expect(await accounts.unlockSignIn('acc_ada', link, BY)).toBe(false);
      expect(await look()).toMatchObject({ passwordHash: 'hash-2' });
      expect([await lock(link), await lock(link)]).toEqual([true, false]);
    });

    it('and its letter, its event and its end happen together or not at all', async () => {
      const { lockLink, lock, everything, refuseInserts } = await opened();
      const link = await lockLink();
      const before = await everything();
      await refuseInserts('OutboxMessage');
      await expect(lock(link)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });

    it('stays as it is where it is disabled', async () => {
      const { accounts, lockLink, lock, look } = await opened();
      const link = await lockLink();
      await accounts.disable('acc_ada', BY);
      expect(await lock(link)).toBe(false);
      expect(await look()).toMatchObject({ passwordHash: 'hash-2' });
    });

    it('is locked by one of many, also by different links', async () => {
      const { lockLink, lock, letters, events } = await opened();
      const links = [await lockLink(), await lockLink()];
      const won = await racers(10, (index) => lock(String(links[index % 2])));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await events('account.locked_by_owner')).toBe(1);
      expect((await letters()).map(({ about }) => about.message)).toEqual(['account-locked']);
    });

    it('has no password in the end, whoever sets one by a link at the same time', async () => {
      const { accounts, lockLink, resetLink, lock, look, clock } = await opened();
      for (let round = 0; round < 8; round += 1) {
        const [link, reset] = [await lockLink(), await resetLink()];
        const set = () => accounts.resetPassword('acc_ada', reset, `reset-${round}`, BY);
        const done = await Promise.all(round % 2 ? [set(), lock(link)] : [lock(link), set()]);
        expect(done).toContain(true);
        expect(await look()).toMatchObject({ passwordHash: null });
        expect(await accounts.resetPassword('acc_ada', reset, 'later', BY)).toBe(false);
        clock.forward(60);
      }
    });

    it('knows no browser that signed in at the same time', async () => {
      const { lockLink, lock, known, rows, clock } = await opened();
      for (let round = 0; round < 8; round += 1) {
        const link = await lockLink();
        const provedAt = clock();
        await Promise.all([
          ...Array.from({ length: 3 }, (_, index) => known(`${round}-${index}`, provedAt)),
          lock(link),
        ]);
        expect(await rows('KnownBrowser')).toEqual([]);
        clock.forward(60);
      }
    });
  });

  describe(`a wait in ${name} that is ended by a mailed link`, () => {
    it('spends it once, however many race, and changes nothing of the account', async () => {
      const { accounts, unlockLink, look, events, known, rows } = await opened();
      await known('one');
      const before = await look();
      const link = await unlockLink();
      const won = await racers(10, () => accounts.unlockSignIn('acc_ada', link, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await events('sign_in.unlocked')).toBe(1);
      expect(await look()).toEqual(before);
      expect(await rows('KnownBrowser')).toHaveLength(1);
    });
  });

  describe(`a browser in ${name} that was not known`, () => {
    it('is told of, but for the first that ever signed in', async () => {
      const { known, letters, audit, knownBrowsers, clock } = await opened();
      expect(await known('one')).toBe(true);
      expect(await letters()).toEqual([]);
      await audit.write(
        { event: 'sign_in.succeeded', accountId: 'acc_ada', clientId: 'web', amr: ['pwd'], acr: '1' },
        BY,
      );
      const by = { ...BY, browser: 'Firefox on Linux' };
      await knownBrowsers.add('two', 'acc_ada', { provedAt: clock(), most: 10, by });
      const about = { message: 'new-browser', browser: 'Firefox on Linux', address: '192.0.2.7' };
      expect(await letters()).toMatchObject([{ about, to: 'ada@example.org', token: expect.stringMatching(/^gwl_/) }]);
    });

    it('is told of where all browsers were forgotten, so that a sign-out everywhere hides nobody', async () => {
      const { accounts, known, letters, audit, clock } = await opened();
      await known('one');
      await audit.write(
        { event: 'sign_in.succeeded', accountId: 'acc_ada', clientId: 'web', amr: ['pwd'], acr: '1' },
        BY,
      );
      await accounts.signOut('acc_ada', BY);
      clock.forward(1);
      await known('two');
      expect((await letters()).map(({ about }) => about.message)).toEqual(['new-browser']);
    });

    it('is told of where the trail no longer says whether it is the first', async () => {
      const { known, letters, execute, clock } = await opened();
      const at = `'${new Date(clock()).toISOString().replace('T', ' ').replace('Z', '')}'`;
      const values = `1, 9, 'hash', ${at}, 'mac'`;
      await execute(`INSERT INTO "AuditAnchor" ("id", "sequence", "hash", "at", "mac") VALUES (${values})`);
      await known('one');
      expect((await letters()).map(({ about }) => about.message)).toEqual(['new-browser']);
    });

    it('is not known where its letter cannot be queued', async () => {
      const { known, refuseInserts, rows } = await opened();
      await known('one');
      await refuseInserts('OutboxMessage');
      await expect(known('two')).rejects.toThrow();
      expect(await rows('KnownBrowser')).toHaveLength(1);
    });
  });

  describe(`an authenticator in ${name} that an operator removes`, () => {
    it('ends every session, tells its owner, and takes the recovery codes only with the last', async () => {
      const { accounts, letters, clock } = await opened();
      await accounts.enrolTotp('acc_ada', 1, aTotp({ id: 'otp_2', recoveryCodeHashes: null }), BY);
      await letters();
      expect(await accounts.removeAuthenticator('acc_ada', 'otp_none', BY)).toBe(false);
      expect(await accounts.removeAuthenticator('acc_bob', 'otp_2', BY)).toBe(false);
      expect(await accounts.removeAuthenticator('acc_ada', 'otp_2', BY)).toBe(true);
      expect(await accounts.find('acc_ada')).toMatchObject({ notBefore: clock(), factorsVersion: 3 });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
      expect((await letters()).map(({ about }) => about)).toEqual([{ message: 'totp-removed', byOperator: true }]);
      expect((await accounts.find('acc_ada'))?.demandedLevel).toBeNull();
      await accounts.disable('acc_ada', BY);
      expect(await accounts.removeAuthenticator('acc_ada', 'otp_1', BY)).toBe(true);
      // Its password alone, known to somebody else perhaps, is not enough from then on.
      expect((await accounts.find('acc_ada'))?.demandedLevel).toBe('two-factor');
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
    });
  });
}
