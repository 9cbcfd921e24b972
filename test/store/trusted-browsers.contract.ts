import { describe, expect, it } from 'vitest';
import type { By } from '../../src/lib/by.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { createKnownBrowsers } from '../../src/limits/known-browsers.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { withMail } from './mailed.ts';
import { anAccount, aTotp, BY } from './samples.ts';

const FIREFOX: By = { ...BY, browser: 'Firefox on Linux' };

/** What a browser may stand in for, in every KnownBrowserStore. */
export function trustedBrowsersContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await withMail(open);
    const { accounts, knownBrowsers: store, clock, look, rows } = stores;
    await accounts.create(anAccount({ id: 'acc_bob' }), BY);
    await accounts.create(anAccount({ id: 'acc_root', role: 'administrator' }), BY);
    await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
    await stores.deliver();
    clock.forward(1000);
    const made = (days: number | null) =>
      createKnownBrowsers({ store, clock, trustedFor: days === null ? null : days * DAY });
    const browsers = made(30);
    return {
      ...{ ...stores, browsers, made },
      trust: async (cookie: string | null = null, owner = 'acc_ada') =>
        browsers.trust(cookie, await look(owner), clock(), FIREFOX),
      isTrusted: async (cookie: string | null, owner = 'acc_ada') => browsers.isTrusted(cookie, await look(owner)),
      events: async (of: string) => (await rows('AuditEvent')).filter(({ event }) => event === of),
    };
  }
  type Opened = Awaited<ReturnType<typeof opened>>;

  describe(`trusted browsers in ${name}`, () => {
    it('are trusted for one account, and for so many days', async () => {
      const { trust, isTrusted, clock } = await opened();
      const cookie = await trust();
      expect([await isTrusted(cookie), await isTrusted(cookie, 'acc_bob'), await isTrusted('another')]).toEqual([
        ...[true, false, false],
      ]);
      clock.forward(30 * DAY - 1);
      expect(await isTrusted(cookie)).toBe(true);
      clock.forward(1);
      expect(await isTrusted(cookie)).toBe(false);
    });

    it('are told their owner and the trail', async () => {
      const { trust, letters, events, clock } = await opened();
      await trust();
      const until = clock() + toMilliseconds(30 * DAY);
      expect(await letters()).toMatchObject([
        {
          about: { message: 'browser-trusted', browser: 'Firefox on Linux', address: '192.0.2.7', until },
          token: expect.any(String),
        },
      ]);
      expect(await events('browser.trusted')).toMatchObject([{ accountId: 'acc_ada' }]);
    });

    it('go by a new cookie: one from before there was trust is worth nothing', async () => {
      const { browsers, trust, isTrusted, rows, clock } = await opened();
      const before = await browsers.remember(null, 'acc_ada', clock(), BY);
      const cookie = await trust(before);
      expect(cookie).not.toBe(before);
      expect([await isTrusted(before), await isTrusted(cookie)]).toEqual([false, true]);
      expect(await browsers.attempt(before, 'acc_ada')).toBeNull();
      expect(await rows('KnownBrowser')).toHaveLength(1);
    });

    it('leave the browser of somebody else as it was', async () => {
      const { browsers, trust, rows, clock } = await opened();
      const bobs = await browsers.remember(null, 'acc_bob', clock(), BY);
      await trust(bobs);
      expect(await browsers.attempt(bobs, 'acc_bob')).not.toBeNull();
      expect(await rows('KnownBrowser')).toHaveLength(2);
    });

    it('are none of an administrator, not even of one who became so', async () => {
      const { trust, isTrusted, execute, rows } = await opened();
      expect(await trust(null, 'acc_root')).toBeNull();
      expect(await rows('KnownBrowser')).toEqual([]);
      const cookie = await trust();
      await execute(`UPDATE "Account" SET "role" = 'administrator' WHERE "id" = 'acc_ada'`);
      expect(await isTrusted(cookie)).toBe(false);
    });

    it('are none where the policy gives no such trust, or no longer as much', async () => {
      const { made, trust, look, clock } = await opened();
      const cookie = await trust();
      const ada = await look();
      expect(await made(null).trust(null, ada, clock(), BY)).toBeNull();
      expect(await made(null).isTrusted(cookie, ada)).toBe(false);
      clock.forward(7 * DAY);
      expect([await made(8).isTrusted(cookie, ada), await made(7).isTrusted(cookie, ada)]).toEqual([true, false]);
    });

    it('are trusted no more at five wrong passwords', async () => {
      const { browsers, trust, isTrusted } = await opened();
      const cookie = await trust();
      for (let count = 0; count < 4; count += 1) await browsers.attempt(cookie, 'acc_ada');
      expect(await isTrusted(cookie)).toBe(true);
      await browsers.attempt(cookie, 'acc_ada');
      expect(await isTrusted(cookie)).toBe(false);
    });

    it.each([
      ['a new password', ({ accounts }: Opened) => accounts.setPassword('acc_ada', 'hash-2', BY)],
      ['another authenticator', ({ accounts }) => accounts.enrolTotp('acc_ada', 2, aTotp({ id: 'otp_2' }), BY)],
      ['an authenticator less', async ({ accounts, look }) => accounts.removeTotp(await look(), 'otp_1', BY)],
      ['new recovery codes', async ({ accounts, look }) => accounts.replaceRecoveryCodes(await look(), ['x'], BY)],
      ['a reset of the factors', ({ accounts }) => accounts.resetFactors('acc_ada', BY)],
      ['a sign-out everywhere', ({ accounts }) => accounts.signOut('acc_ada', BY)],
      [
        'a disabled account, enabled again',
        async ({ accounts }) => {
          await accounts.disable('acc_ada', BY);
          await accounts.enable('acc_ada', BY);
        },
      ],
      ['a password that is to be changed', ({ accounts }) => accounts.requirePasswordChange('acc_ada', BY)],
      [
        'the link of the letter about it',
        async ({ accounts, hashTo }) => accounts.lockByLink('acc_ada', await hashTo('ada@example.org'), BY),
      ],
      [
        'an incident',
        async ({ incidents }) => {
          const opened = await incidents.open('inc_1', { kind: 'account', accountId: 'acc_ada' }, 'match', BY);
          const held = { sessions: 0, grants: 0, told: [], removePasskeys: false };
          await incidents.endAccount(opened, { accountId: 'acc_ada', password: 'kept', mail: false, ...held }, BY);
        },
      ],
    ] as [string, (stores: Opened) => Promise<unknown>][])('end with %s', async (_name, end) => {
      const stores = await opened();
      const cookie = await stores.trust();
      expect(await stores.isTrusted(cookie)).toBe(true);
      await end(stores);
      expect(await stores.isTrusted(cookie)).toBe(false);
      expect(await stores.browsers.trusted(cookie, await stores.look())).toEqual([]);
    });

    it('begin by nothing that was proved before a change of the factors, or a sign-out', async () => {
      const { accounts, browsers, look, clock, rows } = await opened();
      const before = await look();
      await accounts.replaceRecoveryCodes(before, ['x'], BY);
      expect(await browsers.trust(null, before, clock(), BY)).toBeNull();
      const provedAt = clock();
      clock.forward(1);
      await accounts.signOut('acc_ada', BY);
      expect(await browsers.trust(null, await look(), provedAt, BY)).toBeNull();
      expect(await rows('KnownBrowser')).toEqual([]);
    });

    it('are never left trusted by a race with a change of the factors', async () => {
      const { accounts, browsers, isTrusted, look, clock } = await opened();
      for (let round = 0; round < 8; round += 1) {
        const owner = await look();
        const [, ...cookies] = await Promise.all([
          accounts.replaceRecoveryCodes(owner, [`code-${round}`], BY),
          ...Array.from({ length: 4 }, () => browsers.trust(null, owner, clock(), BY)),
        ]);
        for (const cookie of cookies) expect(await isTrusted(cookie)).toBe(false);
      }
    });

    it('are listed to their owner, by a name that opens nothing', async () => {
      const { browsers, trust, look, clock, rows } = await opened();
      const [first, second] = [await trust(), await trust()];
      await browsers.remember(null, 'acc_ada', clock(), BY);
      const listed = await browsers.trusted(second, await look());
      const dates = { since: clock(), until: clock() + toMilliseconds(30 * DAY), browser: 'Firefox on Linux' };
      expect(listed.map(({ id: _, ...rest }) => rest).sort((one) => Number(one.isThis))).toEqual([
        { ...dates, isThis: false },
        { ...dates, isThis: true },
      ]);
      const kept = (await rows('KnownBrowser')).map(({ idHash }) => idHash);
      for (const { id } of listed) expect([...kept, first, second]).not.toContain(id);
    });

    it('end one by one, once, and stay known', async () => {
      const { browsers, trust, isTrusted, look, events } = await opened();
      const [one, two] = [await trust(), await trust()];
      const ada = await look();
      const id = (await browsers.trusted(one, ada)).find(({ isThis }) => isThis)?.id ?? '';
      const ended = await racers(5, () => browsers.endTrust(ada, id, BY));
      expect(ended.filter(Boolean)).toHaveLength(1);
      expect([await isTrusted(one), await isTrusted(two)]).toEqual([false, true]);
      expect(await events('browser.trust_ended')).toHaveLength(1);
      expect(await browsers.attempt(one, 'acc_ada')).not.toBeNull();
    });

    it('end all at once, and not by the name of somebody else', async () => {
      const { browsers, trust, isTrusted, look } = await opened();
      const cookie = await trust();
      const ada = await look();
      const [{ id = '' } = {}] = await browsers.trusted(cookie, ada);
      const bob = await look('acc_bob');
      expect([await browsers.endTrust(bob, id, BY), await browsers.endTrust(bob, null, BY)]).toEqual([false, false]);
      expect(await isTrusted(cookie)).toBe(true);
      expect([await browsers.endTrust(ada, null, BY), await browsers.endTrust(ada, null, BY)]).toEqual([true, false]);
      expect(await isTrusted(cookie)).toBe(false);
    });

    it('do not begin or end where that cannot be audited', async () => {
      const { browsers, trust, isTrusted, look, refuseInserts, rows } = await opened();
      const cookie = await trust();
      await refuseInserts('AuditEvent');
      await expect(browsers.endTrust(await look(), null, BY)).rejects.toThrow();
      await expect(trust()).rejects.toThrow();
      expect(await isTrusted(cookie)).toBe(true);
      expect(await rows('KnownBrowser')).toHaveLength(1);
    });
  });
}
