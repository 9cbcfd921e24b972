import { describe, expect, it } from 'vitest';
import type { By } from '../../src/lib/by.ts';
import type { TestStores } from '../support/stores.ts';
import { aClient, anAccount } from './samples.ts';

const BROWSER = 'Firefox on Linux';
const by = (actor: string, address: string): By => ({ actor, address, requestId: null, browser: BROWSER });

/** What an OwnActivity owes the owner of an account, and everybody else. */
export function activityContract(name: string, open: () => Promise<TestStores>): void {
  describe(`the activity of an account in ${name}`, () => {
    it('shows what the owner did, and who was at the door, but not where others were', async () => {
      const { accounts, clients, audit, activity, clock } = await open();
      await accounts.create(anAccount(), by('acc_root', '192.0.2.1'));
      await clients.create(aClient({ id: 'wiki', name: 'Wiki' }), null, by('acc_root', '192.0.2.1'));
      clock.forward(1);
      const at = { accountId: 'acc_ada', clientId: 'wiki' } as const;
      await audit.write({ event: 'sign_in.failed', ...at, factor: 'password' }, by('visitor', '203.0.113.9'));
      clock.forward(1);
      await audit.write({ event: 'consent.denied', ...at, clientId: 'gone' }, by('acc_ada', '198.51.100.4'));
      // Of hers, what she did to somebody else is not an event of her account.
      await audit.write({ event: 'account.unlocked', accountId: 'acc_bob' }, by('acc_ada', '198.51.100.4'));
      const shown = (await activity.page('acc_ada', 10, null)).map(({ id: _, at: __, ...rest }) => rest);
      expect(shown).toEqual([
        {
          ...{ event: 'consent.denied', outcome: 'refused', by: 'self', factor: null, clientId: 'gone' },
          ...{ application: null, address: '198.51.100.4', browser: BROWSER },
        },
        {
          ...{ event: 'sign_in.failed', outcome: 'failed', by: 'visitor', factor: 'password', clientId: 'wiki' },
          ...{ application: 'Wiki', address: '203.0.113.9', browser: BROWSER },
        },
        {
          ...{ event: 'account.created', outcome: 'succeeded', by: 'others', factor: null, clientId: null },
          ...{ application: null, address: null, browser: null },
        },
      ]);
    });

    it('is shown where somebody made a detail unreadable', async () => {
      const { accounts, activity, execute } = await open();
      await accounts.create(anAccount(), by('acc_root', '192.0.2.1'));
      await execute(`UPDATE "AuditEvent" SET "detail" = '{'`);
      expect(await activity.page('acc_ada', 10, null)).toMatchObject([{ event: 'account.created', factor: null }]);
    });

    it('is paged without loss or repetition, also within one instant', async () => {
      const { audit, activity, clock } = await open();
      for (let count = 0; count < 25; count += 1) {
        await audit.write({ event: 'session.ended', accountId: 'acc_ada' }, by('acc_ada', '198.51.100.4'));
        await audit.write({ event: 'session.ended', accountId: 'acc_bob' }, by('acc_bob', '198.51.100.5'));
        if (count % 10 === 9) clock.forward(1);
      }
      const all = await activity.page('acc_ada', 100, null);
      expect(all).toHaveLength(25);
      expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).sort((a, b) => b - a));
      const paged: typeof all = [];
      for (let count = 0; count < 7; count += 1) {
        paged.push(...(await activity.page('acc_ada', 4, paged.at(-1) ?? null)));
      }
      expect(paged).toEqual(all);
    });
  });
}
