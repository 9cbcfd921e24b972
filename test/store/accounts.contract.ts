import { describe, expect, it } from 'vitest';
import { normalizeEmail } from '../../src/accounts/account.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, aTotp, BY } from './samples.ts';

/** Every AccountStore must pass this. */
export function accountStoreContract(name: string, open: () => Promise<TestStores>): void {
  describe(`accounts in ${name}`, () => {
    it('are found as they were created, by id and by normalized address', async () => {
      const { accounts, clock } = await open();
      const claims = { given_name: 'Ada', address: { country: 'GB' } };
      const created = anAccount({ email: 'Ada@Example.org', role: 'administrator', emailVerified: true, claims });
      await accounts.create(created, BY);

      const expected = {
        ...created,
        status: 'active',
        hasTotp: false,
        hasPasskey: false,
        createdAt: clock(),
        updatedAt: clock(),
      };
      expect(await accounts.find('acc_ada')).toMatchObject(expected);
      expect(await accounts.findByEmail('ada@example.org')).toMatchObject(expected);
      expect(await accounts.list()).toMatchObject([expected]);
      expect(await accounts.hasAdministrator()).toBe(true);
    });

    it('are absent where there is none', async () => {
      const { accounts } = await open();
      expect(await accounts.find('acc_ada')).toBeNull();
      expect(await accounts.findByEmail('ada@example.org')).toBeNull();
      await accounts.create(anAccount(), BY);
      expect(await accounts.hasAdministrator()).toBe(false);
    });

    for (const [first, second] of [
      ['ada@example.org', 'ADA@Example.ORG'],
      ['ada@example.org', 'ａｄａ@example.org'], // full-width letters
      ['Zo\u00eb@example.org', 'Zoe\u0308@example.org'], // one character, and a letter with its mark
      ['\u0390@example.org', '\u03aa\u0301@example.org'], // whose lower case comes apart
    ] as const) {
      it(`have one address each: ${first} stands for ${second}`, async () => {
        const { accounts, everything } = await open();
        await accounts.create(anAccount({ email: first }), BY);
        expect(await accounts.findByEmail(normalizeEmail(second))).toMatchObject({ id: 'acc_ada', email: first });

        const before = await everything();
        const another = accounts.create(anAccount({ id: 'acc_other', email: second }), BY, aTotp());
        await expect(another).rejects.toMatchObject({ name: 'Conflict' });
        expect(await everything()).toBe(before);
      });
    }

    it('of one address are created by one of many racers', async () => {
      const { accounts } = await open();
      const results = await racers(10, (index) =>
        accounts.create(anAccount({ id: `acc_${index}`, email: 'ada@example.org' }), BY).then(
          () => 'created',
          (err: Error) => err.name,
        ),
      );
      expect(results.sort()).toEqual([...Array(9).fill('Conflict'), 'created']);
    });

    it('change what they say about their owner without ending anything', async () => {
      const { accounts, rows } = await open();
      await accounts.create(anAccount(), BY);
      expect(await accounts.setClaims('acc_ada', { name: 'Ada Lovelace' }, true, BY)).toBe(true);
      expect(await accounts.find('acc_ada')).toMatchObject({ claims: { name: 'Ada Lovelace' }, emailVerified: true });
      expect(await rows('OutboxMessage')).toEqual([]);
    });

    it('are told of what they must prove without ending anything, with an audit event or not at all', async () => {
      const { accounts, rows, everything, refuseInserts } = await open();
      await accounts.create(anAccount(), BY);
      expect(await accounts.setDemandedLevel('acc_ada', 'phishing-resistant', BY)).toBe(true);
      expect(await accounts.find('acc_ada')).toMatchObject({ demandedLevel: 'phishing-resistant', factorsVersion: 1 });
      expect(await rows('OutboxMessage')).toEqual([]);
      expect((await rows('AuditEvent')).filter((row) => row['event'] === 'account.level_set')).toMatchObject([
        { accountId: 'acc_ada', actor: BY.actor, requestId: BY.requestId },
      ]);
      const before = await everything();
      expect(await accounts.setDemandedLevel('acc_nobody', 'two-factor', BY)).toBe(false);
      await refuseInserts('AuditEvent');
      await expect(accounts.setDemandedLevel('acc_ada', null, BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });

    it('say in a list which of them have a second factor', async () => {
      const { accounts, clock } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      clock.forward(1);
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      expect((await accounts.list()).map(({ id, hasTotp }) => [id, hasTotp])).toEqual([
        ['acc_ada', true],
        ['acc_bob', false],
      ]);
    });

    it('count every one of many changes at once, and are deleted by one of many', async () => {
      const { accounts, rows } = await open();
      await accounts.create(anAccount(), BY);
      await racers(10, (index) => accounts.setPassword('acc_ada', `hash-${index}`, BY));
      expect(await accounts.find('acc_ada')).toMatchObject({ factorsVersion: 11 });
      // What ends access, and a letter about it, each time.
      expect(await rows('OutboxMessage')).toHaveLength(20);
      const deleted = await racers(5, () => accounts.delete('acc_ada', BY));
      expect(deleted.filter(Boolean)).toHaveLength(1);
      expect(await rows('OutboxMessage')).toHaveLength(21);
    });

    it('upgrade a password hash only where it is still the one that was checked', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY);
      expect(await accounts.upgradePasswordHash('acc_ada', 'hash-1', 'hash-2')).toBe(true);
      expect(await accounts.upgradePasswordHash('acc_ada', 'hash-1', 'hash-3')).toBe(false);
      expect(await accounts.find('acc_ada')).toMatchObject({ passwordHash: 'hash-2', factorsVersion: 1 });
    });
  });

  describe(`what ends an account's access in ${name}`, () => {
    type Change = (stores: TestStores) => Promise<boolean>;
    const changes: [string, Change, { active: boolean } | null][] = [
      ['account.password_set', ({ accounts }) => accounts.setPassword('acc_ada', 'hash-2', BY), { active: true }],
      [
        'account.password_change_required',
        ({ accounts }) => accounts.requirePasswordChange('acc_ada', BY),
        { active: true },
      ],
      ['account.disabled', ({ accounts }) => accounts.disable('acc_ada', BY), { active: false }],
      ['account.signed_out', ({ accounts }) => accounts.signOut('acc_ada', BY), { active: true }],
      ['account.factors_reset', ({ accounts }) => accounts.resetFactors('acc_ada', BY), { active: true }],
      ['account.deleted', ({ accounts }) => accounts.delete('acc_ada', BY), null],
    ];

    it('stays refused where a clock went back since', async () => {
      const { accounts, clock, registry } = await open();
      await accounts.create(anAccount(), BY);
      clock.forward(60);
      await accounts.setPassword('acc_ada', 'hash-2', BY);
      const at = clock();
      clock.forward(-30);
      await accounts.signOut('acc_ada', BY);
      expect(await registry.account('acc_ada')).toEqual({ active: true, notBefore: at });
    });

    for (const [event, change, standing] of changes) {
      it(`refuses what is older, queues its removal and is audited: ${event}`, async () => {
        const stores = await open();
        await stores.accounts.create(anAccount(), BY, aTotp());
        stores.clock.forward(60);
        const at = stores.clock();
        expect(await change(stores)).toBe(true);

        expect(await stores.registry.account('acc_ada')).toEqual(standing && { ...standing, notBefore: at });
        const jobs = (await stores.outbox.take(10, at + 1000))
          .map(({ job }) => job)
          .filter(({ kind }) => kind !== 'mail');
        expect(jobs).toEqual([{ kind: 'end-account', accountId: 'acc_ada', before: at }]);
        expect((await stores.rows('AuditEvent')).filter((row) => row['event'] === event)).toMatchObject([
          { at, accountId: 'acc_ada', actor: BY.actor, address: null, requestId: BY.requestId },
        ]);
      });

      for (const table of ['AuditEvent', 'OutboxMessage']) {
        it(`does not happen where its row in ${table} cannot be written: ${event}`, async () => {
          const stores = await open();
          await stores.accounts.create(anAccount(), BY, aTotp());
          const before = await stores.everything();
          await stores.refuseInserts(table);
          stores.clock.forward(60);
          await expect(change(stores)).rejects.toThrow();
          expect(await stores.everything()).toBe(before);
        });
      }

      it(`says so where there is no such account, and writes nothing: ${event}`, async () => {
        const stores = await open();
        const before = await stores.everything();
        expect(await change(stores)).toBe(false);
        expect(await stores.everything()).toBe(before);
      });
    }

    it('does not touch the first session of a new account, nor what comes after the change', async () => {
      const { accounts, registry, clock } = await open();
      await accounts.create(anAccount(), BY);
      expect((await registry.account('acc_ada'))?.notBefore).toBeLessThan(clock());
      await accounts.disable('acc_ada', BY);
      const disabledAt = clock();
      clock.forward(60);
      await accounts.enable('acc_ada', BY);
      expect(await registry.account('acc_ada')).toEqual({ active: true, notBefore: disabledAt });
    });

    it('takes an account with all that belongs to it', async () => {
      const { accounts, consents, clients, rows } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      await clients.create(aClient(), null, BY);
      await consents.give('acc_ada', 'web', { scopes: ['openid'], claims: [], resources: {} }, BY);
      await accounts.delete('acc_ada', BY);
      for (const table of ['Account', 'TotpCredential', 'RecoveryCode', 'Consent'])
        expect(await rows(table)).toEqual([]);
    });
  });

  describe(`second factors in ${name}`, () => {
    it('are kept sealed, bound to their row', async () => {
      const { accounts, rows } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      expect(await accounts.totpCredentials('acc_ada')).toEqual([
        { id: 'otp_1', accountId: 'acc_ada', secret: 'JBSWY3DPEHPK3PXP', lastStep: 41 },
      ]);
      expect(JSON.stringify(await rows('TotpCredential'))).not.toContain('JBSWY3DPEHPK3PXP');
    });

    it('have each step claimed by one of many racers, and never go back', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY, aTotp({ confirmedStep: 41 }));
      expect(await accounts.claimTotpStep('otp_1', 41)).toBe(false); // it confirmed the enrolment
      const won = await racers(20, () => accounts.claimTotpStep('otp_1', 43));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.claimTotpStep('otp_1', 42)).toBe(false);
      expect(await accounts.claimTotpStep('otp_1', 44)).toBe(true);
      expect(await accounts.claimTotpStep('otp_none', 44)).toBe(false);
    });

    it('are enrolled once, with new recovery codes in place of the old ones', async () => {
      const { accounts, rows } = await open();
      await accounts.create(anAccount(), BY);
      const first = aTotp();
      const second = aTotp({ id: 'otp_2', recoveryCodeHashes: ['code-4'] });
      expect(await accounts.enrolTotp('acc_ada', 1, first, BY)).toBe(true);
      expect(await accounts.find('acc_ada')).toMatchObject({ hasTotp: true, factorsVersion: 2 });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);

      // Begun before the first one was confirmed.
      expect(await accounts.enrolTotp('acc_ada', 1, second, BY)).toBe(false);
      expect(await accounts.enrolTotp('acc_ada', 2, second, BY)).toBe(true);
      expect(await accounts.totpCredentials('acc_ada')).toHaveLength(2);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(1);
      expect((await rows('AuditEvent')).filter((row) => row['event'] === 'totp.enrolled')).toHaveLength(2);
    });

    for (const [what, change] of [
      ['the password changed', ({ accounts }) => accounts.setPassword('acc_ada', 'hash-2', BY)],
      ['the factors were reset', ({ accounts }) => accounts.resetFactors('acc_ada', BY)],
      ['the account was disabled', ({ accounts }) => accounts.disable('acc_ada', BY)],
      ['the account was deleted', ({ accounts }) => accounts.delete('acc_ada', BY)],
    ] as [string, (stores: TestStores) => Promise<boolean>][]) {
      it(`are not enrolled where ${what} meanwhile`, async () => {
        const stores = await open();
        await stores.accounts.create(anAccount(), BY);
        await change(stores);
        const before = await stores.everything();
        expect(await stores.accounts.enrolTotp('acc_ada', 1, aTotp(), BY)).toBe(false);
        expect(await stores.everything()).toBe(before);
      });
    }

    it('are enrolled by one of many racers', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY);
      const won = await racers(10, (index) =>
        accounts.enrolTotp('acc_ada', 1, aTotp({ id: `otp_${index}`, recoveryCodeHashes: [`code-${index}`] }), BY),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.totpCredentials('acc_ada')).toMatchObject([{ id: `otp_${won.indexOf(true)}` }]);
    });

    it('are never there after a reset that met an enrolment', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY);
      await Promise.all([
        ...Array.from({ length: 5 }, (_, index) =>
          accounts.enrolTotp('acc_ada', 1, aTotp({ id: `otp_${index}`, recoveryCodeHashes: [`code-${index}`] }), BY),
        ),
        accounts.resetFactors('acc_ada', BY),
      ]);
      expect(await accounts.totpCredentials('acc_ada')).toEqual([]);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
    });

    it('are all gone after a reset, recovery codes included', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      await accounts.resetFactors('acc_ada', BY);
      expect(await accounts.find('acc_ada')).toMatchObject({ hasTotp: false, factorsVersion: 2 });
      expect(await accounts.spendRecoveryCode('acc_ada', ['code-1'], BY)).toBe(false);
    });

    it('leave nothing behind where the enrolment cannot be audited', async () => {
      const { accounts, everything, refuseInserts } = await open();
      await accounts.create(anAccount(), BY);
      const before = await everything();
      await refuseInserts('AuditEvent');
      await expect(accounts.enrolTotp('acc_ada', 1, aTotp(), BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });
  });

  describe(`recovery codes in ${name}`, () => {
    it('are each spent by one of many racers', async () => {
      const { accounts, rows } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      const won = await racers(20, () => accounts.spendRecoveryCode('acc_ada', ['under-another-key', 'code-2'], BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(2);
      expect((await rows('AuditEvent')).filter((row) => row['event'] === 'recovery_code.used')).toHaveLength(1);
    });

    it('belong to one account', async () => {
      const { accounts } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      await accounts.create(anAccount({ id: 'acc_bob' }), BY);
      expect(await accounts.spendRecoveryCode('acc_bob', ['code-1'], BY)).toBe(false);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
    });

    it('stay unspent where that cannot be audited', async () => {
      const { accounts, refuseInserts } = await open();
      await accounts.create(anAccount(), BY, aTotp());
      await refuseInserts('AuditEvent');
      await expect(accounts.spendRecoveryCode('acc_ada', ['code-1'], BY)).rejects.toThrow();
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
    });
  });
}
