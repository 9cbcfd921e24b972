import { describe, expect, it } from 'vitest';
import { RECOVERY_OPEN } from '../../src/accounts/recovery.ts';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import type { Message } from '../../src/mail/message.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { LETTER, type WithMail, withMail } from './mailed.ts';
import { anAccount, aTotp, BY } from './samples.ts';

const ADDRESS = 'ada@example.org';
const PASSKEY = {
  ...{ id: 'psk_1', credentialId: 'credential', publicKey: 'key', counter: 0, aaguid: 'none', transports: [] },
  ...{ synced: false, backedUp: false, name: 'Key', recoveryCodeHashes: ['code'] },
};

/** The way back of somebody who has lost everything, in every RecoveryStore. */
export function recoveriesContract(name: string, open: () => Promise<TestStores>): void {
  async function opened({ totp = true } = {}) {
    const stores = await withMail(open);
    const { accounts, recoveries, letters, rows, clock } = stores;
    if (totp) await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
    await stores.deliver();
    stores.later();

    const tokenOf = async (message: Message['message'], to = ADDRESS) =>
      sha256((await letters()).filter((one) => one.about.message === message && one.to === to).at(-1)?.token ?? '');
    return {
      ...stores,
      tokenOf,
      /** @returns hashes of the link and of what stops it */
      async started(wait = 24 * HOUR) {
        const { token } = (await recoveries.start('acc_ada', { wait, mailed: false }, BY)) ?? {};
        const stop = await tokenOf('account-recovery');
        await stores.deliver();
        return { link: sha256(token ?? ''), stop };
      },
      recover: (link: string, passwordHash = 'hash-2') => recoveries.recover('acc_ada', link, passwordHash, true, BY),
      stop: (link: string) => recoveries.stopByLink('acc_ada', link, BY),
      events: async (event: string) => (await rows('AuditEvent')).filter((row) => row['event'] === event).length,
      wait: () => clock.forward(DAY),
    };
  }
  type Opened = Awaited<ReturnType<typeof opened>>;

  describe(`the recovery of an account in ${name}`, () => {
    it('tells its owner when it opens, and keeps the link nowhere', async () => {
      const { recoveries, letters, clock, everything, links, events } = await opened();
      const begun = await recoveries.start('acc_ada', { wait: DAY, mailed: false }, BY);
      const opensAt = clock() + toMilliseconds(DAY);
      const times = { opensAt, expiresAt: opensAt + toMilliseconds(RECOVERY_OPEN) };
      expect(begun).toEqual({ ...times, token: expect.stringMatching(/^gwl_[\w-]{43}$/) });
      expect(await recoveries.find('acc_ada')).toEqual(times);
      const told = { message: 'account-recovery', from: times.opensAt, until: times.expiresAt };
      expect((await letters()).map(({ about, to }) => [to, about])).toEqual([[ADDRESS, told]]);
      const token = String(begun?.token);
      expect(await links.open(sha256(token))).toMatchObject({ purpose: 'account-recovery', opensAt });
      const kept = await everything();
      expect(kept).toContain(sha256(token));
      for (const form of [token, token.slice(4), Buffer.from(token).toString('base64url')])
        expect(kept).not.toContain(form);
      expect(await events('account.recovery_started')).toBe(1);
    });

    it('is mailed beside the letter that stops it, and then shown to nobody', async () => {
      const { recoveries, tokenOf, told, links } = await opened();
      expect(await recoveries.start('acc_ada', { wait: 0, mailed: true }, BY)).toMatchObject({ token: null });
      expect(await told()).toEqual([
        [ADDRESS, 'account-recovery', true],
        [ADDRESS, 'account-recovery-link', true],
      ]);
      expect(await links.open(await tokenOf('account-recovery'))).toMatchObject({ purpose: 'recovery-stop' });
      expect(await links.open(await tokenOf('account-recovery-link'))).toMatchObject({ purpose: 'account-recovery' });
    });

    it('sets a password and takes everything else away', async () => {
      const { started, recover, wait, accounts, knownBrowsers, links, look, rows, outbox, clock, hashTo, deliver } =
        await opened();
      await accounts.setPassword('acc_ada', 'hash-1', BY, true);
      const lock = await hashTo(ADDRESS);
      const { link, stop } = await started();
      wait();
      await knownBrowsers.add('browser', 'acc_ada', { provedAt: clock(), most: 10, by: BY });
      await links.send('acc_ada', { ...LETTER, purpose: 'password-reset' });
      const reset = await hashTo(ADDRESS);
      await deliver();
      const { factorsVersion } = await look();
      expect(await recover(link)).toBe(true);
      expect(await look()).toMatchObject({
        ...{ passwordHash: 'hash-2', mustChangePassword: false, hasTotp: false, hasPasskey: false },
        ...{ factorsVersion: factorsVersion + 1, notBefore: clock(), enrolmentDueAt: clock() },
        demandedLevel: 'two-factor',
      });
      for (const table of ['TotpCredential', 'Passkey', 'RecoveryCode', 'KnownBrowser'])
        expect([table, await rows(table)]).toEqual([table, []]);
      for (const one of [link, stop, reset, lock]) expect(await links.open(one)).toBeNull();
      const jobs = (await outbox.take(10, clock() + 1)).map(({ job }) => job);
      expect(jobs).toMatchObject([
        { kind: 'mail', message: 'account-recovered' },
        { kind: 'end-account', accountId: 'acc_ada', before: clock() },
      ]);
    });

    it.each([
      ['nothing', {}, null, true, null],
      ['an app', { totp: true }, null, true, 'two-factor'],
      ['a passkey', { passkey: true }, null, true, 'phishing-resistant'],
      ['a passkey, where none are offered any more', { passkey: true }, null, false, 'two-factor'],
      ['both', { totp: true, passkey: true }, null, true, 'two-factor'],
      ['an app, and more was demanded', { totp: true }, 'phishing-resistant', true, 'phishing-resistant'],
      ['nothing, though something was demanded', {}, 'two-factor', true, 'two-factor'],
    ] as const)('demands again as much as there was: %s', async (_what, had, before, passkeys, demanded) => {
      const { accounts, recoveries, passkeys: store, started, execute, look, wait } = await opened({ totp: false });
      const has = had as { totp?: true; passkey?: true };
      if (has.totp) await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
      if (has.passkey) await store.enrol(await look(), PASSKEY, BY);
      if (before) await execute(`UPDATE "Account" SET "demandedLevel" = '${before}'`);
      const { link } = await started();
      wait();
      expect(await recoveries.recover('acc_ada', link, 'hash-2', passkeys, BY)).toBe(true);
      expect(await look()).toMatchObject({ demandedLevel: demanded, hasTotp: false, hasPasskey: false });
    });

    const nothing: [string, (stores: Opened, link: string) => Promise<unknown>][] = [
      ['before it opens', async ({ clock }) => clock.forward(DAY - 1)],
      ['when it has run out', async ({ clock }) => clock.forward(DAY + RECOVERY_OPEN)],
      ['after an operator has stopped it', ({ recoveries }) => recoveries.stop('acc_ada', 'operator', BY)],
      ['after its owner has signed in', ({ recoveries }) => recoveries.stop('acc_ada', 'sign-in', BY)],
      ['after a newer one', ({ started }) => started()],
      ['after a disabling', ({ accounts }) => accounts.disable('acc_ada', BY)],
      [
        'after a disabling and an enabling',
        async ({ accounts }) => [await accounts.disable('acc_ada', BY), await accounts.enable('acc_ada', BY)],
      ],
      [
        'after an operator has changed the address',
        ({ accounts }) => accounts.setEmail('acc_ada', 'a@b.example', true, BY),
      ],
      [
        'after its owner has put the address back',
        async ({ accounts, links, askedBy, hashTo }) => {
          await links.askChange(await askedBy('evil@example.net'), LETTER);
          expect(await accounts.undoEmail('acc_ada', await hashTo(ADDRESS), 'en', BY)).toBe(true);
        },
      ],
      [
        'after an incident',
        async ({ incidents }) => {
          const incident = await incidents.open('inc_1', { kind: 'account', accountId: 'acc_ada' }, 'match', BY);
          const ended = { sessions: 0, grants: 0, told: [], removePasskeys: true, mail: false };
          await incidents.endAccount(incident, { accountId: 'acc_ada', password: 'kept', ...ended }, BY);
        },
      ],
      [
        'after a locking',
        async ({ accounts, hashTo }) => {
          await accounts.setPassword('acc_ada', 'hash-1', BY);
          expect(await accounts.lockByLink('acc_ada', await hashTo(ADDRESS), BY)).toBe(true);
        },
      ],
    ];
    it.each(nothing)('does nothing %s', async (when, spoil) => {
      const stores = await opened();
      const { started, recover, wait, everything, look, recoveries, events } = stores;
      const { link } = await started();
      await spoil(stores, link);
      if (when.startsWith('after')) wait();
      const before = await everything();
      expect(await recover(link)).toBe(false);
      expect(await everything()).toBe(before);
      expect(await look()).toMatchObject({ hasTotp: true });
      const stopped = ['before it opens', 'when it has run out', 'after a newer one'].includes(when) ? 0 : 1;
      expect(await events('account.recovery_stopped')).toBe(stopped);
      expect((await recoveries.find('acc_ada')) === null).toBe(
        !['before it opens', 'after a newer one'].includes(when),
      );
    });

    it('does nothing by a link of another account, or one for something else', async () => {
      const { accounts, recoveries, links, started, recover, stop: stopBy, wait, everything, hashTo } = await opened();
      await accounts.create(anAccount({ id: 'acc_eve' }), BY);
      const { link, stop } = await started();
      await links.send('acc_ada', { ...LETTER, purpose: 'password-reset' });
      const reset = await hashTo(ADDRESS);
      wait();
      const before = await everything();
      expect(await recoveries.recover('acc_eve', link, 'hash-2', true, BY)).toBe(false);
      expect(await recoveries.stopByLink('acc_eve', stop, BY)).toBe(false);
      for (const other of [stop, reset, sha256('gwl_x')]) expect(await recover(other)).toBe(false);
      for (const other of [link, reset, sha256('gwl_x')]) expect(await stopBy(other)).toBe(false);
      expect(await accounts.resetPassword('acc_ada', link, 'hash-2', BY)).toBe(false);
      expect(await accounts.lockByLink('acc_ada', link, BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('is stopped from each address that its owner may read, and by the letter about this one alone', async () => {
      const {
        accounts,
        links,
        asked,
        lookUp,
        askedBy,
        hashTo,
        deliver,
        recoveries,
        tokenOf,
        told,
        stop,
        recover,
        wait,
        events,
      } = await opened();
      await links.askChange(await askedBy('evil@example.net'), LETTER);
      await lookUp(await asked());
      await accounts.changeEmail('acc_ada', await hashTo('evil@example.net'), 'en', BY);
      await deliver();
      await recoveries.start('acc_ada', { wait: DAY, mailed: false }, BY);
      const older = await tokenOf('account-recovery');
      await deliver();
      const { token } = (await recoveries.start('acc_ada', { wait: DAY, mailed: true }, BY)) ?? {};
      expect(token).toBeNull();
      expect(await told()).toEqual([
        ['evil@example.net', 'account-recovery', true],
        [ADDRESS, 'account-recovery', true],
        ['evil@example.net', 'account-recovery-link', true],
      ]);
      const link = await tokenOf('account-recovery-link', 'evil@example.net');
      const [theirs, mine] = [await tokenOf('account-recovery', 'evil@example.net'), await tokenOf('account-recovery')];
      expect(await stop(older)).toBe(false);
      expect([await stop(mine), await stop(mine), await stop(theirs)]).toEqual([true, false, false]);
      wait();
      expect(await recover(link)).toBe(false);
      expect(await events('account.recovery_stopped')).toBe(1);
    });

    it('leaves what puts an address back, and tells that mailbox too', async () => {
      const { accounts, links, asked, lookUp, askedBy, hashTo, deliver, started, recover, wait, told, tokenOf, look } =
        await opened();
      await links.askChange(await askedBy('evil@example.net'), LETTER);
      await lookUp(await asked());
      await accounts.changeEmail('acc_ada', await hashTo('evil@example.net'), 'en', BY);
      const undo = await hashTo(ADDRESS);
      await deliver();
      const { link } = await started();
      wait();
      expect(await recover(link)).toBe(true);
      expect(await told()).toEqual([
        ['evil@example.net', 'account-recovered', true],
        [ADDRESS, 'account-recovered', true],
      ]);
      expect(await links.open(undo)).not.toBeNull();
      expect(await accounts.lockByLink('acc_ada', await tokenOf('account-recovered'), BY)).toBe(true);
      expect(await look()).toMatchObject({ email: ADDRESS, passwordHash: null });
    });

    it('happens with its letters, its event and its end, or not at all', async () => {
      const { started, recover, wait, everything, refuseInserts, recoveries } = await opened();
      const { link } = await started();
      wait();
      await refuseInserts('OutboxMessage');
      const before = await everything();
      await expect(recover(link)).rejects.toThrow();
      await expect(recoveries.start('acc_ada', { wait: DAY, mailed: true }, BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });

    it('is for nobody whose account is disabled or gone', async () => {
      const { accounts, recoveries, everything } = await opened();
      await accounts.disable('acc_ada', BY);
      const before = await everything();
      for (const id of ['acc_ada', 'acc_none'])
        expect(await recoveries.start(id, { wait: 0, mailed: false }, BY)).toBeNull();
      expect(await recoveries.stop('acc_ada', 'operator', BY)).toBe(false);
      expect(await everything()).toBe(before);
    });
  });

  describe(`many at once at the recovery of an account in ${name}`, () => {
    it('spend its link once', async () => {
      const { started, recover, wait, look, events, told } = await opened();
      const { link } = await started();
      wait();
      const won = await racers(10, (n) => recover(link, `hash-${n}`));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await look()).toMatchObject({ passwordHash: `hash-${won.indexOf(true)}` });
      expect(await events('account.recovered')).toBe(1);
      expect(await told()).toHaveLength(1);
    });

    it('start it, and one link is open in the end', async () => {
      const { recoveries, wait, recover, rows } = await opened();
      const begun = await racers(8, () => recoveries.start('acc_ada', { wait: HOUR, mailed: false }, BY));
      const open = (await rows('MailedLink')).filter(({ purpose }) => purpose === 'account-recovery');
      expect(open).toHaveLength(1);
      expect((await rows('MailedLink')).filter(({ purpose }) => purpose === 'recovery-stop')).toHaveLength(1);
      wait();
      const won: boolean[] = [];
      for (const one of begun) won.push(await recover(sha256(String(one?.token))));
      expect(won.filter(Boolean)).toHaveLength(1);
    });

    const others: [string, (stores: Opened, stop: string) => Promise<boolean>][] = [
      ['an operator who stops it', ({ recoveries }) => recoveries.stop('acc_ada', 'operator', BY)],
      ['its owner who signs in', ({ recoveries }) => recoveries.stop('acc_ada', 'sign-in', BY)],
      ['its owner who stops it by the letter', ({ stop }, link) => stop(link)],
    ];
    it.each(others)('either spend it or are %s', async (_who, other) => {
      for (let round = 0; round < 6; round += 1) {
        const stores = await opened();
        const { link, stop } = await stores.started();
        stores.wait();
        const both = [() => stores.recover(link), () => other(stores, stop)];
        const order = round % 2 ? both : both.toReversed();
        const done = await Promise.all(order.map((one) => one()));
        expect(done.filter(Boolean)).toHaveLength(1);
        const isRecovered = done[order.indexOf(both[0] as (typeof both)[0])];
        expect(await stores.look()).toMatchObject({
          passwordHash: isRecovered ? 'hash-2' : 'hash-1',
          hasTotp: !isRecovered,
        });
        expect(await stores.events('account.recovery_stopped')).toBe(isRecovered ? 0 : 1);
      }
    });

    it('are never both in it and locked out of it', async () => {
      for (let round = 0; round < 6; round += 1) {
        const { accounts, hashTo, started, recover, wait, look } = await opened();
        await accounts.setPassword('acc_ada', 'hash-1', BY);
        const lock = await hashTo(ADDRESS);
        const { link } = await started();
        wait();
        const both = [() => recover(link), () => accounts.lockByLink('acc_ada', lock, BY)];
        const done = await Promise.all((round % 2 ? both : both.toReversed()).map((one) => one()));
        // Whichever is second finds its link void.
        expect(done.filter(Boolean)).toHaveLength(1);
        expect((await look()).passwordHash).toBe((await look()).hasTotp ? null : 'hash-2');
      }
    });
  });
}

/** Beside the recovery: what an operator takes away is demanded again too. */
export function resetFactorsContract(name: string, open: () => Promise<TestStores>): void {
  describe(`a reset of the factors in ${name}`, () => {
    async function opened(): Promise<WithMail> {
      const stores = await withMail(open);
      stores.later();
      return stores;
    }

    it('demands again what it takes away, without grace', async () => {
      const { accounts, look, clock, execute } = await opened();
      await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
      await execute(`UPDATE "Account" SET "enrolmentDueAt" = '${new Date(clock() + 1e9).toISOString()}'`);
      expect(await accounts.resetFactors('acc_ada', BY)).toBe(true);
      expect(await look()).toMatchObject({ hasTotp: false, demandedLevel: 'two-factor', enrolmentDueAt: clock() });
      // Once more, and nothing is forgotten.
      expect(await accounts.resetFactors('acc_ada', BY)).toBe(true);
      expect(await look()).toMatchObject({ demandedLevel: 'two-factor' });
    });

    it('demands a passkey where there was nothing else, and they are offered', async () => {
      const { accounts, passkeys, look } = await opened();
      await passkeys.enrol(await look(), PASSKEY, BY);
      await accounts.resetFactors('acc_ada', BY);
      expect(await look()).toMatchObject({ hasPasskey: false, demandedLevel: 'phishing-resistant' });
    });

    it('demands nothing new where that is said, and where there was none', async () => {
      const { accounts, look } = await opened();
      await accounts.resetFactors('acc_ada', BY);
      expect(await look()).toMatchObject({ demandedLevel: null });
      await accounts.enrolTotp('acc_ada', (await look()).factorsVersion, aTotp(), BY);
      await accounts.resetFactors('acc_ada', BY, { passwordOnly: true });
      expect(await look()).toMatchObject({ hasTotp: false, demandedLevel: null });
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
    });
  });
}

/** They stand in for a second factor, and are none. */
export function idleCodesContract(name: string, open: () => Promise<TestStores>): void {
  it.each(['app', 'passkey'] as const)(
    `recovery codes go with the last factor in ${name}, the %s being it`,
    async (last) => {
      const { accounts, passkeys, look } = await withMail(open);
      await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
      await passkeys.enrol(await look(), { ...PASSKEY, recoveryCodeHashes: null }, BY);
      const removal = {
        app: async () => accounts.removeTotp(await look(), 'otp_1', BY),
        passkey: async () => passkeys.remove(await look(), PASSKEY.id, BY),
      };
      expect(await removal[last === 'app' ? 'passkey' : 'app']()).toBe(true);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(3);
      expect(await removal[last]()).toBe(true);
      expect(await accounts.recoveryCodesLeft('acc_ada')).toBe(0);
      expect(await accounts.spendRecoveryCode('acc_ada', ['code-1'], BY)).toBe(false);
    },
  );
}
