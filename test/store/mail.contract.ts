import { describe, expect, it } from 'vitest';
import type { AccountStore, AsOf } from '../../src/accounts/store.ts';
import { DAY } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import type { Message } from '../../src/mail/message.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import type { MailJob } from '../../src/outbox/outbox.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, aTotp, BY } from './samples.ts';

const OWN = { ...BY, actor: 'acc_ada' };

/** As somebody looks at it; where there is nobody, as nobody looked. */
async function ada(accounts: AccountStore): Promise<AsOf> {
  return (await accounts.find('acc_ada')) ?? { id: 'acc_ada', factorsVersion: 1, notBefore: 0 };
}

const ADDRESS = 'Ada.Lovelace@Example.org';

/** Every place that queues and lists mail must pass this. */
export function mailContract(name: string, open: () => Promise<TestStores>): void {
  const withAda = async () => {
    const stores = await open();
    const claims = { name: 'Ada Lovelace', locale: 'de-AT' };
    await stores.accounts.create(anAccount({ email: ADDRESS, claims }), BY, aTotp());
    return stores;
  };
  const lettersOf = async ({ outbox, clock, keyring }: TestStores) => {
    const taken = await outbox.take(100, clock() + 1000);
    const mails = taken.filter((one): one is typeof one & { job: MailJob } => one.job.kind === 'mail');
    return mails.map(({ id, job }) => openLetter(createSealer(keyring), id, job.sealed));
  };

  describe(`mail in ${name}`, () => {
    type Change = (stores: TestStores) => Promise<unknown>;
    const changes: [string, Change, Message][] = [
      [
        'an app',
        ({ accounts }) => accounts.enrolTotp('acc_ada', 1, aTotp({ id: 'otp_2' }), BY),
        { message: 'totp-added' },
      ],
      ['a password', ({ accounts }) => accounts.setPassword('acc_ada', 'hash-2', BY), { message: 'password-set' }],
      [
        'a password of their own',
        async ({ accounts }) => (await accounts.changePassword(await ada(accounts), 'hash-2', OWN)) !== null,
        { message: 'password-changed' },
      ],
      [
        'no app any more',
        async ({ accounts }) => accounts.removeTotp(await ada(accounts), 'otp_1', OWN),
        { message: 'totp-removed' },
      ],
      [
        'no app any more, by the operator',
        ({ accounts }) => accounts.removeAuthenticator('acc_ada', 'otp_1', BY),
        { message: 'totp-removed', byOperator: true },
      ],
      [
        'other recovery codes',
        async ({ accounts }) => accounts.replaceRecoveryCodes(await ada(accounts), ['code-9'], OWN),
        { message: 'recovery-codes-replaced' },
      ],
      ['no factors', ({ accounts }) => accounts.resetFactors('acc_ada', BY), { message: 'factors-reset' }],
      ['disabled', ({ accounts }) => accounts.disable('acc_ada', BY), { message: 'account-disabled' }],
      [
        'a recovery code',
        ({ accounts }) => accounts.spendRecoveryCode('acc_ada', ['code-2'], BY),
        { message: 'recovery-code-used', left: 2 },
      ],
    ];

    for (const [what, change, about] of changes) {
      it(`goes with the change, to the stored address, in its owner's language: ${what}`, async () => {
        const stores = await withAda();
        await change(stores);
        expect(await lettersOf(stores)).toEqual([
          {
            ...{ to: ADDRESS, name: 'Ada Lovelace', locale: 'de-AT', at: stores.clock(), about },
            // What its owner may not have done is told with the link that locks the account.
            ...(about.message !== 'account-disabled' && { token: expect.stringMatching(/^gwl_/) }),
          },
        ]);
      });

      it(`and the change happen together or not at all: ${what}`, async () => {
        const stores = await withAda();
        const before = await stores.everything();
        await stores.refuseInserts('OutboxMessage');
        await expect(change(stores)).rejects.toThrow();
        expect(await stores.everything()).toBe(before);
      });

      it(`is not written where nothing was changed: ${what}`, async () => {
        const stores = await open();
        const before = await stores.everything();
        expect(await change(stores)).toBe(false);
        expect(await stores.everything()).toBe(before);
      });
    }

    it('tells of an account that was enabled, and of what is new only', async () => {
      const stores = await withAda();
      const { accounts } = stores;
      await accounts.enable('acc_ada', BY);
      expect(await stores.mails.list()).toEqual([]);
      await accounts.disable('acc_ada', BY);
      await accounts.disable('acc_ada', BY);
      stores.clock.forward(1);
      await accounts.enable('acc_ada', BY);
      expect((await stores.mails.list()).map(({ message }) => message)).toEqual([
        'account-disabled',
        'account-enabled',
      ]);
    });

    it('tells people of their own password in other words than of the operator’s, and of each change', async () => {
      const stores = await withAda();
      expect(await stores.mails.list()).toEqual([]);
      await stores.accounts.setPassword('acc_ada', 'hash-2', OWN);
      await stores.accounts.setPassword('acc_ada', 'hash-3', OWN);
      expect((await stores.mails.list()).map(({ message }) => message)).toEqual([
        'password-changed',
        'password-changed',
      ]);
    });

    it('carries a link of its own each, so that no later letter takes it away, and they last seven days', async () => {
      const stores = await withAda();
      await stores.accounts.setPassword('acc_ada', 'hash-2', BY);
      stores.clock.forward(1);
      await stores.accounts.setPassword('acc_ada', 'hash-3', BY);
      const tokens = (await lettersOf(stores)).map(({ token = '' }) => token);
      expect(new Set(tokens).size).toBe(2);
      const opened = () => Promise.all(tokens.map((token) => stores.links.open(sha256(token))));
      stores.clock.forward(7 * DAY - 2);
      const link = {
        purpose: 'account-lock',
        accountId: 'acc_ada',
        opensAt: null,
        detail: { about: 'password-set', email: ADDRESS },
      };
      expect(await opened()).toEqual([link, link]);
      stores.clock.forward(2);
      expect(await opened()).toEqual([null, null]);
    });

    it('tells of each recovery code once, however many race for it, and counts what is left', async () => {
      const stores = await withAda();
      await racers(10, () => stores.accounts.spendRecoveryCode('acc_ada', ['code-1'], BY));
      stores.clock.forward(1);
      await stores.accounts.spendRecoveryCode('acc_ada', ['code-2'], BY);
      expect((await lettersOf(stores)).map(({ about }) => about)).toEqual([
        { message: 'recovery-code-used', left: 2 },
        { message: 'recovery-code-used', left: 1 },
      ]);
    });

    it('is sealed: neither the address nor what it says can be read, and it opens in its own row only', async () => {
      const stores = await withAda();
      await stores.accounts.spendRecoveryCode('acc_ada', ['code-1'], BY);
      const [row, ...more] = await stores.rows('OutboxMessage');
      expect(more).toEqual([]);
      expect(JSON.parse(String(row?.['payload']))).toEqual({
        ...{ message: 'recovery-code-used', accountId: 'acc_ada', to: 'A***@Example.org' },
      });
      const sealed = String(row?.['sealedPayload']);
      const plain = JSON.stringify(row) + Buffer.from(sealed, 'base64url').toString('latin1');
      for (const part of ['Lovelace', 'left', 'de-AT']) expect(plain).not.toContain(part);
      expect(() => openLetter(createSealer(stores.keyring), 'msg_other', sealed)).toThrow();
    });

    it('is listed while it waits, erased but listed when it was given up, and gone when it went out', async () => {
      const stores = await withAda();
      const { accounts, outbox, mails, clock } = stores;
      await accounts.disable('acc_ada', BY);
      const createdAt = clock();
      const known = { message: 'account-disabled', accountId: 'acc_ada', to: 'A***@Example.org', createdAt };
      expect(await mails.list()).toEqual([
        { ...known, id: expect.stringMatching(/^msg_/), attempts: 0, dueAt: createdAt, lastError: null },
      ]);

      const taken = (await outbox.take(10, clock() + 1000)).find(({ job }) => job.kind === 'mail');
      const id = taken?.id ?? '';
      await outbox.retry(id, clock() + 5000, 'no answer');
      expect(await mails.list()).toMatchObject([{ id, attempts: 1, dueAt: clock() + 5000, lastError: 'no answer' }]);
      await outbox.giveUp(id, 'refused');
      expect(await mails.list()).toMatchObject([{ ...known, id, attempts: 1, dueAt: null, lastError: 'refused' }]);
      const left = (await stores.rows('OutboxMessage')).find((row) => row['id'] === id);
      expect(left?.['sealedPayload']).toBeNull();
      await outbox.done(id);
      expect(await mails.list()).toEqual([]);
    });
  });
}
