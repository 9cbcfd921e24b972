import { describe, expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import type { NewPasskey } from '../../src/accounts/passkey-store.ts';
import type { NewAccount } from '../../src/accounts/store.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import type { Newcomer } from '../../src/links/newcomers.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import type { MailJob } from '../../src/outbox/outbox.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

const ADA: Newcomer = { email: 'Ada@example.org', emailNormalized: 'ada@example.org' };
const INVITED = { ...ADA, name: 'Ada', role: 'administrator', lifetime: 3 * DAY };
const account = (some: Partial<NewAccount> = {}) => anAccount({ email: ADA.email, emailVerified: true, ...some });

const aPasskey = (some: Partial<NewPasskey> = {}): NewPasskey => ({
  ...{ id: 'psk_ada', name: 'Phone', credentialId: 'credential', publicKey: 'key', counter: 0, transports: [] },
  ...{ aaguid: '00000000-0000-0000-0000-000000000000', synced: true, backedUp: true, recoveryCodeHashes: null },
  ...some,
});

/** Every NewcomerLinks must pass this, with the accounts that are made by them. */
export function newcomersContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { newcomers, outbox, clock, keyring, links, rows } = stores;
    const letters = async () => {
      const taken = await outbox.take(100, clock() + 1000);
      const mails = taken.filter((one): one is typeof one & { job: MailJob } => one.job.kind === 'mail');
      return mails.map(({ id, job }) => openLetter(createSealer(keyring), id, job.sealed));
    };
    return {
      ...stores,
      letters,
      /** A link that was mailed to Ada. */
      async signUp() {
        await newcomers.signUp(ADA, 'de', BY);
        return sha256((await letters()).at(-1)?.token ?? '');
      },
      isOpen: async (tokenHash: string) => (await links.open(tokenHash)) !== null,
      events: async () => (await rows('AuditEvent')).map((row) => row['event']).sort(),
    };
  }
  const SIGN_UP = { purpose: 'sign-up' } as const;

  describe(`newcomers in ${name}`, () => {
    it('get a letter at the address as it was written, in the language of the page; the row names neither', async () => {
      const { newcomers, letters, rows, clock, links } = await opened();
      await newcomers.signUp(ADA, 'de', BY);
      const [row] = await rows('MailedLink');
      const job = await rows('OutboxMessage');
      expect(JSON.stringify([row, job])).not.toMatch(/ada@example/i);
      const [letter, ...more] = await letters();
      expect([letter, more]).toEqual([
        {
          ...{ to: ADA.email, name: null, locale: 'de', at: clock(), about: { message: 'sign-up' } },
          token: expect.stringMatching(/^gwl_[\w-]{43}$/),
        },
        [],
      ]);
      expect(JSON.stringify(row)).not.toContain(letter?.token?.slice(4));
      expect(await links.open(sha256(letter?.token ?? ''))).toEqual({
        ...{ purpose: 'sign-up', accountId: null, opensAt: null, detail: { email: ADA.email } },
      });
    });

    it('have one link of a kind, the newest, also of many that are made at once; others have theirs', async () => {
      const { newcomers, rows, signUp, isOpen } = await opened();
      const other = { email: 'eve@example.org', emailNormalized: 'eve@example.org' };
      await newcomers.signUp(other, 'en', BY);
      const first = await signUp();
      await newcomers.invite(INVITED, 'en', BY);
      await racers(6, () => newcomers.signUp(ADA, 'en', BY));
      expect(await isOpen(first)).toBe(false);
      expect((await rows('MailedLink')).map((row) => row['purpose']).sort()).toEqual([
        ...['invitation', 'sign-up', 'sign-up'],
      ]);
    });

    it('make an account and spend the link by it, and their other links end', async () => {
      const { newcomers, accounts, signUp, isOpen, events, rows } = await opened();
      await newcomers.invite(INVITED, 'en', BY);
      const tokenHash = await signUp();
      expect(await accounts.createByLink(account(), { ...SIGN_UP, tokenHash }, BY)).toBe(true);
      expect(await accounts.findByEmail('ada@example.org')).toMatchObject({ id: 'acc_ada', emailVerified: true });
      expect([await isOpen(tokenHash), await newcomers.invitations()]).toEqual([false, []]);
      expect(await events()).toEqual(['account.created', 'invitation.sent', 'sign_up.asked', 'sign_up.done']);
      // Nothing of the person outlives the account.
      await accounts.delete('acc_ada', BY);
      expect(await rows('MailedLink')).toEqual([]);
    });

    it('make an account with a passkey and its recovery codes by the link, or nothing of it', async () => {
      const { accounts, passkeys, signUp, isOpen, events, everything } = await opened();
      const tokenHash = await signUp();
      const spend = (passkey: NewPasskey) =>
        accounts.createByLink(account({ passwordHash: null }), { ...SIGN_UP, tokenHash }, BY, passkey);
      await accounts.create(anAccount({ id: 'acc_other', email: 'other@example.org' }), BY);
      const other = await accounts.find('acc_other');
      await passkeys.enrol(other as Account, aPasskey({ id: 'psk_other', credentialId: 'taken' }), BY);
      const before = await everything();
      await expect(spend(aPasskey({ credentialId: 'taken' }))).rejects.toMatchObject({
        ...{ name: 'Conflict', message: 'passkey' },
      });
      expect([await everything(), await isOpen(tokenHash)]).toEqual([before, true]);

      expect(await spend(aPasskey({ recoveryCodeHashes: ['one', 'two'] }))).toBe(true);
      expect(await accounts.findByEmail('ada@example.org')).toMatchObject({ hasPasskey: true, passwordHash: null });
      expect(await passkeys.ofAccount('acc_ada')).toMatchObject([{ id: 'psk_ada', accountId: 'acc_ada' }]);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect((await events()).slice(-2)).toEqual(['sign_up.asked', 'sign_up.done']);
      expect((await events()).filter((event) => event === 'passkey.enrolled')).toHaveLength(2);
    });

    it('make one account with one passkey of one link, however many race for it', async () => {
      const { accounts, passkeys, signUp, rows } = await opened();
      const tokenHash = await signUp();
      const won = await racers(8, (index) =>
        accounts
          .createByLink(
            account({ id: `acc_${index % 4}`, email: `ada${index % 2}@example.org` }),
            { ...SIGN_UP, tokenHash },
            BY,
            aPasskey({ id: `psk_${index}`, credentialId: `credential_${index}`, recoveryCodeHashes: [`h${index}`] }),
          )
          .catch((err: Error) => err.name),
      );
      expect(won.filter((one) => one === true)).toHaveLength(1);
      for (const one of won) expect([true, false, 'Conflict']).toContain(one);
      const [winner] = await accounts.list();
      expect(await passkeys.ofAccount(winner?.id ?? '')).toHaveLength(1);
      expect([await rows('Passkey'), await rows('RecoveryCode')].map(({ length }) => length)).toEqual([1, 1]);
    });

    it('make nothing by a link of another kind, of nobody, or too late', async () => {
      const { accounts, clock, signUp, everything } = await opened();
      const tokenHash = await signUp();
      const before = await everything();
      const spend = (link: { purpose: 'sign-up' | 'invitation'; tokenHash: string }) =>
        accounts.createByLink(account(), link, BY);
      expect(await spend({ purpose: 'invitation', tokenHash })).toBe(false);
      expect(await spend({ ...SIGN_UP, tokenHash: 'nobody' })).toBe(false);
      clock.forward(DAY);
      expect(await spend({ ...SIGN_UP, tokenHash })).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('make one account of one link, however many race for it', async () => {
      const { accounts, signUp } = await opened();
      const tokenHash = await signUp();
      const won = await racers(8, (index) =>
        accounts.createByLink(
          account({ id: `acc_${index}`, email: `ada${index}@example.org` }),
          { ...SIGN_UP, tokenHash },
          BY,
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.list()).toHaveLength(1);
    });

    it('make one account of an address by two links and an operator at once: the others are told that it is taken', async () => {
      const { accounts, newcomers, signUp } = await opened();
      const tokenHash = await signUp();
      const invitation = sha256(await newcomers.inviteUnsent(INVITED, BY));
      const outcomes = await Promise.allSettled([
        accounts.createByLink(account({ id: 'acc_1' }), { ...SIGN_UP, tokenHash }, BY),
        accounts.createByLink(account({ id: 'acc_2' }), { purpose: 'invitation', tokenHash: invitation }, BY),
        accounts.createByLink(account({ id: 'acc_3' }), { ...SIGN_UP, tokenHash }, BY),
        accounts.create(account({ id: 'acc_4', email: 'ADA@EXAMPLE.ORG' }), BY),
      ]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'Conflict' });
      expect(await accounts.list()).toHaveLength(1);
    });

    it('keep their link where the address is taken, or where not all can be written', async () => {
      const { accounts, signUp, isOpen, everything, refuseInserts } = await opened();
      const tokenHash = await signUp();
      await accounts.create(anAccount({ id: 'acc_other', email: 'ADA@example.org' }), BY);
      const before = await everything();
      const spend = () => accounts.createByLink(account(), { ...SIGN_UP, tokenHash }, BY);
      await expect(spend()).rejects.toMatchObject({ name: 'Conflict' });
      await accounts.delete('acc_other', BY);
      await refuseInserts('AuditEvent');
      await expect(spend()).rejects.toThrow();
      expect([await isOpen(tokenHash), await accounts.list()]).toEqual([true, []]);
      expect(before).toContain('acc_other');
    });

    it('are invited with a letter or without, listed while that is open, and revoked once', async () => {
      const { newcomers, letters, clock, isOpen, events, everything } = await opened();
      await newcomers.invite(INVITED, 'de', BY);
      const [letter] = await letters();
      const until = clock() + toMilliseconds(3 * DAY);
      expect(letter).toMatchObject({
        to: ADA.email,
        name: 'Ada',
        locale: 'de',
        about: { message: 'invitation', until },
      });
      const listed = { email: ADA.email, name: 'Ada', role: 'administrator', createdAt: clock(), expiresAt: until };
      expect(await newcomers.invitations()).toEqual([{ ...listed, id: expect.any(String), mailed: true }]);

      const token = sha256(await newcomers.inviteUnsent(INVITED, BY));
      expect(await letters()).toEqual([]);
      expect([await isOpen(sha256(letter?.token ?? '')), await isOpen(token)]).toEqual([false, true]);
      expect(await newcomers.invitations()).toMatchObject([{ mailed: false }]);
      expect(await newcomers.revoke('ada@example.org', BY)).toBe(true);
      const before = await everything();
      expect(await newcomers.revoke('ada@example.org', BY)).toBe(false);
      expect(await everything()).toBe(before);
      expect([await isOpen(token), await newcomers.invitations()]).toEqual([false, []]);
      expect(await events()).toEqual(['invitation.revoked', 'invitation.sent', 'invitation.sent']);
    });

    it('who have an account are told, where it is active', async () => {
      const { accounts, newcomers, letters, rows, clock } = await opened();
      await accounts.create(account({ claims: { name: 'Ada', locale: 'de' } }), BY);
      await newcomers.tellKnown('acc_ada', 'en', BY);
      expect(await letters()).toEqual([
        { to: ADA.email, name: 'Ada', locale: 'de', at: clock(), about: { message: 'sign-up-known' } },
      ]);
      await accounts.disable('acc_ada', BY);
      const before = await rows('OutboxMessage');
      await newcomers.tellKnown('acc_ada', 'en', BY);
      await newcomers.tellKnown('acc_nobody', 'en', BY);
      expect(await rows('OutboxMessage')).toEqual(before);
    });
  });
}
