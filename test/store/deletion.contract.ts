import { describe, expect, it } from 'vitest';
import type { NewAccount } from '../../src/accounts/store.ts';
import { BY_SYSTEM } from '../../src/lib/by.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

const GRACE = 14 * DAY;
const ADA = { actor: 'acc_ada', address: '198.51.100.4', requestId: null };

/** Every DeletionStore must pass this. */
export function deletionContract(name: string, open: () => Promise<TestStores>): void {
  async function opened(...accounts: Partial<NewAccount>[]) {
    const stores = await open();
    for (const some of [{ id: 'acc_ada' }, ...accounts]) await stores.accounts.create(anAccount(some), BY);
    stores.clock.forward(60);
    const look = (id = 'acc_ada') => stores.accounts.find(id);
    async function asOf(id = 'acc_ada') {
      const account = await look(id);
      if (!account) throw new Error('there is no account');
      return account;
    }
    const events = async (id = 'acc_ada') =>
      (await stores.rows('AuditEvent')).filter((row) => row['accountId'] === id).map((row) => String(row['event']));
    /** The messages that were queued since the last look, and the tokens of their links. */
    async function letters() {
      const taken = await stores.outbox.take(100, stores.clock() + toMilliseconds(90 * DAY));
      return taken.flatMap(({ id, job }) =>
        job.kind === 'mail' ? [openLetter(createSealer(stores.keyring), id, job.sealed)] : [],
      );
    }
    return { ...stores, look, asOf, events, letters };
  }

  /** Asked for, with the hash of the link that came of it. */
  async function leaving() {
    const stores = await opened();
    await stores.deletions.ask(await stores.asOf(), GRACE, ADA);
    const [letter] = await stores.letters();
    return { ...stores, tokenHash: sha256(letter?.token ?? '') };
  }

  describe(`the deletion of an account in ${name}`, () => {
    it('is asked for by one of many at once, with one letter', async () => {
      const { deletions, asOf, look, events, letters, clock } = await opened();
      const before = await asOf();
      const answers = await racers(10, () => deletions.ask(before, GRACE, ADA));
      const dueAt = clock() + toMilliseconds(GRACE);
      expect(answers.filter((one) => one !== 'changed')).toEqual([{ dueAt }]);
      expect(await look()).toMatchObject({ status: 'leaving', deletionDueAt: dueAt, notBefore: clock() });
      expect((await events()).filter((event) => event === 'account.deletion_asked')).toHaveLength(1);
      expect(await letters()).toMatchObject([{ about: { message: 'deletion-asked', until: dueAt } }]);
    });

    it('happens with its letter, event and job, or not at all', async () => {
      for (const table of ['OutboxMessage', 'AuditEvent', 'MailedLink']) {
        const stores = await opened();
        const before = await stores.everything();
        await stores.refuseInserts(table);
        await expect(stores.deletions.ask(await stores.asOf(), GRACE, ADA)).rejects.toThrow();
        expect(await stores.everything()).toBe(before);
      }
    });

    it('is refused where a password or factor changed, or somebody ended the sessions, since the look', async () => {
      const { accounts, deletions, asOf, look, clock } = await opened();
      const before = await asOf();
      await accounts.signOut('acc_ada', BY);
      expect(await deletions.ask(before, GRACE, ADA)).toBe('changed');
      clock.forward(1);
      const signedOut = await asOf();
      await accounts.setPassword('acc_ada', 'hash-2', BY);
      expect(await deletions.ask(signedOut, GRACE, ADA)).toBe('changed');
      await accounts.disable('acc_ada', BY);
      expect(await deletions.ask(await asOf(), GRACE, ADA)).toBe('changed');
      expect(await look()).toMatchObject({ status: 'disabled', deletionDueAt: null });
    });

    it('leaves one of the administrators, however many ask at once', async () => {
      const role = 'administrator';
      const ids = ['acc_one', 'acc_two', 'acc_three'];
      const { accounts, deletions, asOf } = await opened(...ids.map((id) => ({ id, role }) as const));
      const looks = await Promise.all(ids.map((id) => asOf(id)));
      const answers = await racers(3, (n) => deletions.ask(looks[n] as never, n === 1 ? 0 : GRACE, BY));
      expect(answers.filter((one) => one === 'last-administrator')).toHaveLength(1);
      const left = (await accounts.list()).filter((one) => one.role === role && one.status === 'active');
      expect(left).toHaveLength(1);
    });

    it('does not count an administrator who is disabled or leaving, and lets an operator delete the last', async () => {
      const role = 'administrator';
      const { accounts, deletions, asOf } = await opened({ id: 'acc_one', role }, { id: 'acc_two', role });
      await accounts.disable('acc_two', BY);
      expect(await deletions.ask(await asOf('acc_one'), GRACE, BY)).toBe('last-administrator');
      expect(await deletions.order('acc_one', GRACE, BY)).toBe(true);
      expect(await deletions.order('acc_one', GRACE, BY)).toBe(false);
      expect(await deletions.order('acc_nobody', GRACE, BY)).toBe(false);
    });

    it('leaves no browser known that signs in at the same moment', async () => {
      for (let round = 0; round < 5; round += 1) {
        const { deletions, asOf, knownBrowsers, clock, rows } = await opened();
        const before = await asOf();
        const provedAt = clock();
        await Promise.all([
          knownBrowsers.add('browser', 'acc_ada', { provedAt, most: 3, by: ADA }),
          deletions.ask(before, GRACE, ADA),
        ]);
        expect(await rows('KnownBrowser')).toEqual([]);
      }
    });

    it('is carried out by one of many, when it is due and not before, with a last letter', async () => {
      const { deletions, clock, look, events, letters, rows } = await leaving();
      clock.forward(GRACE - 1);
      expect(await deletions.due(10)).toEqual([]);
      expect(await deletions.carryOut('acc_ada', BY_SYSTEM)).toBe(false);
      clock.forward(1);
      expect(await deletions.due(10)).toEqual(['acc_ada']);
      const done = await racers(10, () => deletions.carryOut('acc_ada', BY_SYSTEM));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await look()).toBeNull();
      expect(await deletions.due(10)).toEqual([]);
      expect((await events()).filter((event) => event === 'account.deleted')).toHaveLength(1);
      expect(await letters()).toMatchObject([{ to: 'ada@example.org', about: { message: 'account-deleted' } }]);
      expect(await rows('MailedLink')).toEqual([]);
      const personal = (await rows('AuditEvent')).filter((row) => row['person'] === 'acc_ada');
      expect(personal.every((row) => row['sealedPersonal'] === null)).toBe(true);
    });

    it('is carried out whole or not at all', async () => {
      const { deletions, clock, refuseInserts, everything } = await leaving();
      clock.forward(GRACE);
      const before = await everything();
      await refuseInserts('OutboxMessage');
      await expect(deletions.carryOut('acc_ada', BY_SYSTEM)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });

    it('is taken back by one of many who hold the link, and is not due any more', async () => {
      const { deletions, tokenHash, clock, look, letters } = await leaving();
      const { notBefore } = (await look()) ?? {};
      const undone = await racers(10, () => deletions.undo('acc_ada', tokenHash, ADA));
      expect(undone.filter(Boolean)).toHaveLength(1);
      expect(await look()).toMatchObject({ status: 'active', deletionDueAt: null, notBefore });
      expect((await letters()).map(({ about }) => about.message)).toEqual(['deletion-undone']);
      clock.forward(GRACE + 1);
      expect(await deletions.due(10)).toEqual([]);
      expect(await deletions.carryOut('acc_ada', BY_SYSTEM)).toBe(false);
      expect(await look()).not.toBeNull();
    });

    it('is either taken back or carried out, whoever is first', async () => {
      for (let round = 0; round < 5; round += 1) {
        const { deletions, tokenHash, clock, look } = await leaving();
        clock.forward(GRACE - 1);
        const undoing = deletions.undo('acc_ada', tokenHash, ADA);
        clock.forward(1);
        const [undone, ...carried] = await Promise.all([
          undoing,
          ...Array.from({ length: 4 }, () => deletions.carryOut('acc_ada', BY_SYSTEM)),
        ]);
        expect([undone, ...carried].filter(Boolean)).toHaveLength(1);
        expect((await look()) === null).toBe(!undone);
      }
    });

    it('is not taken back by a link of another account, of before, or too late', async () => {
      const { accounts, deletions, tokenHash, clock, asOf, letters, look } = await leaving();
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      clock.forward(1);
      await deletions.ask(await asOf('acc_bob'), GRACE, BY);
      expect(await deletions.undo('acc_bob', tokenHash, BY)).toBe(false);
      expect((await look('acc_bob'))?.status).toBe('leaving');
      expect(await deletions.undo('acc_ada', tokenHash, ADA)).toBe(true);
      clock.forward(1);
      // Asked again: what was due the first time is not what counts, and neither is its link.
      await letters();
      const again = await deletions.ask(await asOf(), 30 * DAY, ADA);
      expect(again).toEqual({ dueAt: clock() + toMilliseconds(30 * DAY) });
      expect(await deletions.undo('acc_ada', tokenHash, ADA)).toBe(false);
      clock.forward(GRACE);
      expect(await deletions.due(10)).toEqual(['acc_bob']);
      expect(await deletions.carryOut('acc_ada', BY_SYSTEM)).toBe(false);
      clock.forward(30 * DAY);
      const [letter] = await letters();
      expect(await deletions.undo('acc_ada', sha256(letter?.token ?? ''), ADA)).toBe(false);
    });

    it('goes on while an operator disables the account, whom no link overrules, and ends with enabling', async () => {
      const { accounts, deletions, tokenHash, look, rows, clock } = await leaving();
      await accounts.disable('acc_ada', BY);
      expect(await look()).toMatchObject({ status: 'disabled', deletionDueAt: expect.any(Number) });
      expect(await deletions.undo('acc_ada', tokenHash, ADA)).toBe(true);
      expect(await look()).toMatchObject({ status: 'disabled', deletionDueAt: null });
      await accounts.enable('acc_ada', BY);
      await deletions.order('acc_ada', GRACE, BY);
      await accounts.enable('acc_ada', BY);
      expect(await look()).toMatchObject({ status: 'active', deletionDueAt: null });
      expect((await rows('MailedLink')).filter((row) => row['spentAt'] === null)).toEqual([]);
      clock.forward(GRACE);
      expect(await deletions.due(10)).toEqual([]);
    });

    it('that is ordered of a disabled account lets nobody in who takes it back', async () => {
      const { accounts, deletions, look, letters, clock } = await opened();
      await accounts.disable('acc_ada', BY);
      await letters();
      expect(await deletions.order('acc_ada', GRACE, BY)).toBe(true);
      expect(await look()).toMatchObject({ status: 'disabled', deletionDueAt: expect.any(Number) });
      const [letter] = await letters();
      expect(await deletions.undo('acc_ada', sha256(letter?.token ?? ''), ADA)).toBe(true);
      expect(await look()).toMatchObject({ status: 'disabled', deletionDueAt: null });
      await deletions.order('acc_ada', GRACE, BY);
      clock.forward(GRACE);
      expect(await deletions.carryOut('acc_ada', BY_SYSTEM)).toBe(true);
    });

    it('is at once without grace, with one letter', async () => {
      const { deletions, asOf, look, letters, events, auditTrail, rows } = await opened();
      expect(await deletions.ask(await asOf(), 0, ADA)).toEqual({ dueAt: null });
      expect(await look()).toBeNull();
      expect((await letters()).map(({ about }) => about.message)).toEqual(['account-deleted']);
      expect((await events()).sort()).toEqual(['account.created', 'account.deleted', 'account.deletion_asked']);
      await auditTrail.seal(10);
      const personal = (await rows('AuditEvent')).filter((row) => row['person'] === 'acc_ada');
      expect(personal.every((row) => row['sealedPersonal'] === null)).toBe(true);
    });
  });
}
