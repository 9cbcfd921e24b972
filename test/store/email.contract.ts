import { describe, expect, it } from 'vitest';
import { DAY, HOUR } from '../../src/lib/duration.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { LETTER, type WithMail, withMail } from './mailed.ts';
import { anAccount, BY } from './samples.ts';

const OLD = 'ada@example.org';
const NEW = 'Ada@Elsewhere.example';
const EVIL = ['evil1@example.net', 'evil2@example.net'] as const;

/** How the address of an account is proved, changed and put back, in every AccountStore and LinkStore. */
export function emailContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await withMail(open);
    stores.later();
    return stores;
  }

  /** Asks, and does what the worker does then. @returns the hash of the link that went to the new address */
  async function offered(stores: WithMail, to: string): Promise<{ change: string; undo: string }> {
    const { links, askedBy, asked, lookUp, hashTo, deliver, look, later } = stores;
    const from = (await look()).email;
    expect(await links.askChange(await askedBy(to), LETTER)).toBe(true);
    const undo = await hashTo(from);
    later();
    await lookUp(await asked());
    const change = await hashTo(to);
    await deliver();
    later();
    return { change, undo };
  }

  /** All the way. @returns what undoes it: the link of the first letter, and that of the second */
  async function moved(stores: WithMail, to: string): Promise<{ asked: string; changed: string }> {
    const from = (await stores.look()).email;
    const { change, undo } = await offered(stores, to);
    expect(await stores.accounts.changeEmail('acc_ada', change, 'en', BY)).toBe(true);
    const changed = await stores.hashTo(from);
    await stores.deliver();
    stores.later();
    return { asked: undo, changed };
  }

  describe(`the proof of an address in ${name}`, () => {
    it('is for the address that the link went to', async () => {
      const stores = await opened();
      const { accounts, links, hashTo, look, everything } = stores;
      await links.sendProof('acc_ada', LETTER);
      const hash = await hashTo(OLD);
      await stores.execute(`UPDATE "Account" SET "emailNormalized" = 'other@example.org' WHERE "id" = 'acc_ada'`);
      const before = await everything();
      expect(await accounts.verifyEmail('acc_ada', hash, BY)).toBe(false);
      expect(await everything()).toBe(before);
      await stores.execute(`UPDATE "Account" SET "emailNormalized" = '${OLD}' WHERE "id" = 'acc_ada'`);
      const won = await racers(5, () => accounts.verifyEmail('acc_ada', hash, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await look()).emailVerified).toBe(true);
      const events = (await stores.rows('AuditEvent')).filter(({ event }) => event === 'email.verified');
      expect(events).toHaveLength(1);
    });

    it('is void after a day, after a newer one, and after a change', async () => {
      const stores = await opened();
      const { accounts, links, hashTo, clock } = stores;
      await links.sendProof('acc_ada', LETTER);
      const first = await hashTo(OLD);
      clock.forward(1);
      await links.sendProof('acc_ada', LETTER);
      clock.forward(1);
      const second = await hashTo(OLD);
      expect(await accounts.verifyEmail('acc_ada', first, BY)).toBe(false);
      await stores.deliver();
      await moved(stores, NEW);
      expect(await accounts.verifyEmail('acc_ada', second, BY)).toBe(false);
      await links.sendProof('acc_ada', LETTER);
      const late = await hashTo(NEW);
      clock.forward(DAY);
      expect(await accounts.verifyEmail('acc_ada', late, BY)).toBe(false);
    });
  });

  describe(`a change of address in ${name}`, () => {
    it('is told to both, and seals every address that is kept for it', async () => {
      const stores = await opened();
      const { links, askedBy, everything, rows } = stores;
      await links.askChange(await askedBy('planted@example.net'), LETTER);
      expect(await stores.told()).toEqual([[OLD, 'email-change-asked', true]]);
      expect(await everything()).not.toContain('planted');
      stores.later();
      await stores.deliver();
      const { change } = await offered(stores, NEW);
      expect(await everything()).not.toMatch(/Ada@|ada@else/);
      expect(await stores.accounts.changeEmail('acc_ada', change, 'en', BY)).toBe(true);
      expect(await stores.told()).toEqual([
        [OLD, 'email-changed', true],
        [NEW, 'email-new', false],
      ]);
      expect(await stores.look()).toMatchObject({ email: NEW, emailVerified: true, passwordHash: 'hash-1' });
      expect(await stores.accounts.findByEmail(NEW.toLowerCase())).toMatchObject({ id: 'acc_ada' });
      // The rest of the trail is sealed.
      expect(JSON.stringify((await rows('AuditEvent')).map(({ detail }) => detail))).not.toMatch(/@|lsewhere/);
    });

    it('is made by one of many, and ends what was mailed to the old address but what undoes it', async () => {
      const stores = await opened();
      const { accounts, links, hashTo } = stores;
      await links.send('acc_ada', { ...LETTER, purpose: 'password-reset' });
      const reset = await hashTo(OLD);
      await stores.deliver();
      const { change, undo } = await offered(stores, NEW);
      const won = await racers(5, () => accounts.changeEmail('acc_ada', change, 'en', BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.resetPassword('acc_ada', reset, 'new-hash', BY)).toBe(false);
      expect(await links.open(undo)).not.toBeNull();
      const spent = (await stores.rows('MailedLink')).filter(({ spentAt }) => spentAt !== null);
      expect(spent).toMatchObject([{ tokenHash: change, purpose: 'email-change' }]);
      expect((await stores.look()).passwordHash).toBe('hash-1');
    });

    it('is not made twice over: a newer one ends the one before', async () => {
      const stores = await opened();
      const first = await offered(stores, EVIL[0]);
      const second = await offered(stores, EVIL[1]);
      expect(await stores.accounts.changeEmail('acc_ada', first.change, 'en', BY)).toBe(false);
      expect(await stores.accounts.changeEmail('acc_ada', second.change, 'en', BY)).toBe(true);
    });

    it('that waits to be looked up is void after another', async () => {
      const stores = await opened();
      const waiting = await stores.askedBy(EVIL[1]);
      await moved(stores, EVIL[0]);
      const before = await stores.everything();
      expect(await stores.links.offerChange(waiting, LETTER)).toBe(false);
      expect(await stores.everything()).toBe(before);
    });

    const since: [string, (stores: WithMail) => Promise<unknown>][] = [
      ['a new password', ({ accounts }) => accounts.setPassword('acc_ada', 'hash-2', BY)],
      ['the end of every session', ({ accounts }) => accounts.signOut('acc_ada', BY)],
      ['a reset of the factors', ({ accounts }) => accounts.resetFactors('acc_ada', BY)],
      [
        'having been disabled',
        async ({ accounts }) => {
          await accounts.disable('acc_ada', BY);
          await accounts.enable('acc_ada', BY);
        },
      ],
      [
        'a reset password',
        async ({ accounts, links, hashTo, deliver, later }) => {
          await links.send('acc_ada', { ...LETTER, purpose: 'password-reset' });
          expect(await accounts.resetPassword('acc_ada', await hashTo(OLD), 'hash-2', BY)).toBe(true);
          await deliver();
          later();
        },
      ],
    ];
    for (const [what, happens] of since) {
      it(`is void after ${what}: whoever asked may be whom that was for`, async () => {
        const stores = await opened();
        const { change } = await offered(stores, EVIL[0]);
        const waiting = await stores.askedBy(EVIL[1]);
        await happens(stores);
        const before = await stores.everything();
        expect(await stores.accounts.changeEmail('acc_ada', change, 'en', BY)).toBe(false);
        expect(await stores.links.askChange(waiting, LETTER)).toBe(false);
        expect(await stores.links.offerChange(waiting, LETTER)).toBe(false);
        expect(await stores.everything()).toBe(before);
      });
    }

    it('to an address that somebody has gives no link, and tells its owner alone', async () => {
      const stores = await opened();
      const { accounts, links, askedBy, asked, lookUp, deliver, later, rows } = stores;
      await accounts.create(anAccount({ id: 'acc_bob', email: 'Bob@example.org' }), BY);
      await links.askChange(await askedBy('bob@EXAMPLE.org'), LETTER);
      const job = await asked();
      await deliver();
      later();
      await lookUp(job);
      expect(await stores.told()).toEqual([['Bob@example.org', 'email-taken', false]]);
      expect((await rows('MailedLink')).filter(({ purpose }) => purpose === 'email-change')).toEqual([]);
    });

    it('looks the same to whoever asked, whether or not somebody has the address', async () => {
      const seen = [];
      for (const taken of [true, false]) {
        const stores = await opened();
        const { accounts, activity, links, askedBy, asked, lookUp } = stores;
        if (taken) await accounts.create(anAccount({ id: 'acc_bob', email: EVIL[1] }), BY);
        const { change, undo } = await offered(stores, EVIL[0]);
        await links.askChange(await askedBy(EVIL[1]), LETTER);
        await lookUp(await asked());
        const told = (await stores.letters()).map(({ about }) => about.message).sort();
        expect(told).toContain(taken ? 'email-taken' : 'email-change');
        seen.push({
          own: (await activity.page('acc_ada', 100, null)).map(({ event }) => event),
          // A link that went to an address of whoever asks now.
          before: await links.open(change),
          undo: await links.open(undo),
          account: await stores.look(),
        });
      }
      expect(seen[0]).toEqual(seen[1]);
      expect(seen[0]?.before).toBeNull();
    });

    it('that is void tells nobody either that their address was wanted', async () => {
      const stores = await opened();
      const { accounts, links, askedBy, asked, lookUp } = stores;
      await accounts.create(anAccount({ id: 'acc_bob', email: EVIL[1] }), BY);
      await links.askChange(await askedBy(EVIL[1]), LETTER);
      const job = await asked();
      await accounts.signOut('acc_ada', BY);
      await stores.deliver();
      await lookUp(job);
      expect(await stores.letters()).toEqual([]);
    });

    it('to an address that somebody took meanwhile is as if the link were spent', async () => {
      const stores = await opened();
      const { change } = await offered(stores, NEW);
      await stores.accounts.create(anAccount({ id: 'acc_bob', email: NEW }), BY);
      const before = await stores.everything();
      expect(await stores.accounts.changeEmail('acc_ada', change, 'en', BY)).toBe(false);
      expect(await stores.everything()).toBe(before);
    });

    it('of two accounts to one address is made by one', async () => {
      const stores = await opened();
      const { accounts, links, askedBy, hashTo } = stores;
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      const mine = await offered(stores, NEW);
      await links.offerChange(await askedBy(NEW, 'acc_bob'), LETTER);
      const theirs = await hashTo(NEW);
      const won = await Promise.all([
        accounts.changeEmail('acc_ada', mine.change, 'en', BY),
        accounts.changeEmail('acc_bob', theirs, 'en', BY),
      ]);
      expect(won.filter(Boolean)).toHaveLength(1);
    });

    it('cannot be made without its audit event, nor without its letters', async () => {
      for (const table of ['AuditEvent', 'OutboxMessage']) {
        const stores = await opened();
        const { change } = await offered(stores, NEW);
        await stores.refuseInserts(table);
        const before = await stores.everything();
        await expect(stores.accounts.changeEmail('acc_ada', change, 'en', BY)).rejects.toThrow();
        expect(await stores.everything()).toBe(before);
      }
    });
  });

  describe(`an address that is put back in ${name}`, () => {
    it('ends all that was: sessions, the password, known browsers and links', async () => {
      const stores = await opened();
      const { accounts, links, clock, knownBrowsers, rows, look, hashTo, deliver } = stores;
      const { changed } = await moved(stores, EVIL[0]);
      await knownBrowsers.add('browser', 'acc_ada', { provedAt: clock(), most: 10, by: BY });
      await links.send('acc_ada', { ...LETTER, purpose: 'password-reset' });
      const theirReset = await hashTo(EVIL[0]);
      await deliver();
      expect(await accounts.undoEmail('acc_ada', changed, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: OLD, emailVerified: true, passwordHash: null, notBefore: clock() });
      expect(await rows('KnownBrowser')).toEqual([]);
      expect(await accounts.resetPassword('acc_ada', theirReset, 'evil', BY)).toBe(false);
      expect(await stores.told()).toEqual([[OLD, 'email-undone', true]]);
      expect(await accounts.resetPassword('acc_ada', await hashTo(OLD), 'mine', BY)).toBe(true);
      expect((await look()).passwordHash).toBe('mine');
    });

    it('was only asked to change: the change is stopped', async () => {
      const stores = await opened();
      const { change, undo } = await offered(stores, EVIL[0]);
      expect(await stores.accounts.undoEmail('acc_ada', undo, 'en', BY)).toBe(true);
      expect(await stores.accounts.changeEmail('acc_ada', change, 'en', BY)).toBe(false);
      expect(await stores.look()).toMatchObject({ email: OLD, passwordHash: null });
    });

    it('is put back once per link, by one of many', async () => {
      const stores = await opened();
      const { changed } = await moved(stores, EVIL[0]);
      const won = await racers(5, () => stores.accounts.undoEmail('acc_ada', changed, 'en', BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      const before = await stores.everything();
      expect(await stores.accounts.undoEmail('acc_ada', changed, 'en', BY)).toBe(false);
      expect(await stores.everything()).toBe(before);
    });

    it('wins over everything that came after, whichever of its letters is taken', async () => {
      for (const which of ['asked', 'changed'] as const) {
        const stores = await opened();
        const { accounts, look } = stores;
        const mine = await moved(stores, EVIL[0]);
        const theirs = await moved(stores, EVIL[1]);
        expect(await look()).toMatchObject({ email: EVIL[1] });
        expect(await accounts.undoEmail('acc_ada', mine[which], 'en', BY)).toBe(true);
        for (const link of [theirs.asked, theirs.changed]) {
          expect(await accounts.undoEmail('acc_ada', link, 'en', BY)).toBe(false);
        }
        expect(await look()).toMatchObject({ email: OLD, passwordHash: null });
      }
    });

    it('stays within reach of its owner when others put back what they had', async () => {
      const stores = await opened();
      const { accounts, look, later } = stores;
      const mine = await moved(stores, EVIL[0]);
      const theirs = await moved(stores, EVIL[1]);
      expect(await accounts.undoEmail('acc_ada', theirs.asked, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: EVIL[0] });
      later();
      expect(await accounts.undoEmail('acc_ada', mine.changed, 'en', BY)).toBe(true);
      expect(await accounts.undoEmail('acc_ada', theirs.changed, 'en', BY)).toBe(false);
      expect(await look()).toMatchObject({ email: OLD });
    });

    it('leaves the links to an older address, and those to the same', async () => {
      const stores = await opened();
      const { accounts, look, later } = stores;
      const older = await moved(stores, NEW);
      const mine = await moved(stores, EVIL[0]);
      expect(await accounts.undoEmail('acc_ada', mine.asked, 'en', BY)).toBe(true);
      later();
      expect(await accounts.undoEmail('acc_ada', mine.changed, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: NEW });
      later();
      expect(await accounts.undoEmail('acc_ada', older.changed, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: OLD });
    });

    it('leaves nothing to what others do in the same instant', async () => {
      const stores = await opened();
      const mine = await moved(stores, EVIL[0]);
      const theirs = await offered(stores, EVIL[1]);
      const [undone] = await Promise.all([
        stores.accounts.undoEmail('acc_ada', mine.changed, 'en', BY),
        stores.accounts.changeEmail('acc_ada', theirs.change, 'en', BY),
        stores.links.send('acc_ada', { ...LETTER, purpose: 'password-reset' }),
      ]);
      expect(undone).toBe(true);
      expect(await stores.look()).toMatchObject({ email: OLD, passwordHash: null });
      // Where the reset came after, it went to the owner.
      const open = await stores.rows('MailedLink');
      expect(open.filter(({ purpose, spentAt }) => purpose === 'password-reset' && spentAt === null)).toHaveLength(1);
    });

    it('also takes back a deletion that others asked for, and nothing that an operator did', async () => {
      const stores = await opened();
      const { accounts, deletions, look } = stores;
      const { asked, changed } = await moved(stores, EVIL[0]);
      await accounts.disable('acc_ada', BY);
      const before = await stores.everything();
      expect(await accounts.undoEmail('acc_ada', asked, 'en', BY)).toBe(false);
      expect(await stores.everything()).toBe(before);
      await accounts.enable('acc_ada', BY);
      await deletions.order('acc_ada', 14 * DAY, BY);
      expect(await accounts.undoEmail('acc_ada', changed, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: OLD, status: 'active', deletionDueAt: null });
    });

    it('is not put back where another account has it, nor after seven days', async () => {
      const stores = await opened();
      const { accounts, everything, clock } = stores;
      const { asked, changed } = await moved(stores, EVIL[0]);
      await accounts.create(anAccount({ id: 'acc_bob', email: OLD }), BY);
      const before = await everything();
      await expect(accounts.undoEmail('acc_ada', asked, 'en', BY)).rejects.toMatchObject({ name: 'Conflict' });
      expect(await everything()).toBe(before);
      await accounts.delete('acc_bob', BY);
      clock.forward(7 * DAY - HOUR);
      expect(await accounts.undoEmail('acc_ada', asked, 'en', BY)).toBe(true);
      clock.forward(HOUR);
      expect(await accounts.undoEmail('acc_ada', changed, 'en', BY)).toBe(false);
    });
  });

  describe(`an account in ${name} that is locked by an older letter after its address was changed`, () => {
    /** A letter about something else, before somebody took the address. */
    async function warned() {
      const stores = await opened();
      await stores.accounts.setPassword('acc_ada', 'known to others', BY);
      const lock = await stores.hashTo(OLD);
      await stores.deliver();
      stores.later();
      return { ...stores, lock };
    }

    it('has the address of that letter again, and the link that opens it goes there', async () => {
      const stores = await warned();
      const { accounts, links, lock, look, told, rows } = stores;
      const mine = await moved(stores, EVIL[0]);
      const theirs = await moved(stores, EVIL[1]);
      await accounts.setPassword('acc_ada', 'theirs', BY);
      const theirLock = await stores.hashTo(EVIL[1]);
      await stores.deliver();
      stores.later();
      expect(await accounts.lockByLink('acc_ada', lock, BY)).toBe(true);
      expect(await look()).toMatchObject({ email: OLD, emailVerified: true, passwordHash: null });
      expect(await accounts.findByEmail(EVIL[1])).toBeNull();
      expect(await told()).toEqual([[OLD, 'account-locked', true]]);
      for (const link of [theirs.asked, theirs.changed, theirLock]) expect(await links.open(link)).toBeNull();
      for (const link of [mine.asked, mine.changed]) expect(await links.open(link)).not.toBeNull();
      const events = (await rows('AuditEvent')).map(({ event }) => event);
      expect(events).toEqual(expect.arrayContaining(['account.locked_by_owner', 'email.change_undone']));
    });

    it('takes nothing from an older owner where others lock it so', async () => {
      const stores = await warned();
      const { accounts, look } = stores;
      const mine = await moved(stores, EVIL[0]);
      await accounts.setPassword('acc_ada', 'theirs', BY);
      const theirLock = await stores.hashTo(EVIL[0]);
      await stores.deliver();
      stores.later();
      await moved(stores, EVIL[1]);
      expect(await accounts.lockByLink('acc_ada', theirLock, BY)).toBe(true);
      expect(await look()).toMatchObject({ email: EVIL[0] });
      expect(await accounts.undoEmail('acc_ada', mine.changed, 'en', BY)).toBe(true);
      expect(await look()).toMatchObject({ email: OLD });
    });

    it('is locked all the same where somebody else has that address by now', async () => {
      const stores = await warned();
      const { accounts, lock, look } = stores;
      await moved(stores, EVIL[0]);
      await accounts.create(anAccount({ id: 'acc_bob', email: OLD }), BY);
      expect(await accounts.lockByLink('acc_ada', lock, BY)).toBe(true);
      expect(await look()).toMatchObject({ email: EVIL[0], passwordHash: null });
    });
  });

  describe(`an address that an operator sets in ${name}`, () => {
    it('is told to both, ends every link, and leaves the account as it was else', async () => {
      const stores = await opened();
      const { accounts, links, look } = stores;
      const { changed } = await moved(stores, EVIL[0]);
      expect(await accounts.setEmail('acc_ada', NEW, false, BY)).toBe(true);
      expect(await links.open(changed)).toBeNull();
      expect(await look()).toMatchObject({ email: NEW, emailVerified: false, passwordHash: 'hash-1' });
      const told = (await stores.told()).map(([to, ...more]) => JSON.stringify([to, ...more]));
      expect(told.sort()).toEqual([NEW, EVIL[0]].map((to) => JSON.stringify([to, 'email-set', false])));
      expect(await accounts.setEmail('acc_none', OLD, true, BY)).toBe(false);
    });

    it('is one that nobody has', async () => {
      const stores = await opened();
      await stores.accounts.create(anAccount({ id: 'acc_bob' }), BY);
      const before = await stores.everything();
      await expect(stores.accounts.setEmail('acc_ada', 'BOB@example.org', true, BY)).rejects.toMatchObject({
        name: 'Conflict',
      });
      expect(await stores.everything()).toBe(before);
    });
  });
}
