import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/clients/client.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, aTotp, BY } from './samples.ts';

const ALLOWED = { scopes: ['openid'], claims: [], resources: {} };

/** What is queued for applications, in every AccountStore. */
export function accountNewsContract(name: string, open: () => Promise<TestStores>): void {
  async function opened({ listening = true } = {}) {
    const stores = await open();
    const securityEventsUri = listening ? 'https://app.example.org/events' : null;
    await stores.accounts.create(anAccount(), BY);
    await stores.clients.create(aClient({ settings: { ...defaultSettings('web'), securityEventsUri } }), null, BY);
    await stores.clients.create(aClient({ id: 'deaf' }), null, BY);
    for (const id of ['web', 'deaf']) await stores.consents.give('acc_ada', id, ALLOWED, BY);
    const jobs = async () =>
      (await stores.rows('OutboxMessage'))
        .filter(({ kind }) => kind !== 'mail')
        .map(({ kind, payload }) => ({ kind, ...JSON.parse(String(payload)) }));
    return { ...stores, jobs };
  }

  describe(`news of an account in ${name}`, () => {
    it('go with the end of access in one job, which names those that it was consented to share with', async () => {
      const { accounts, clock, jobs } = await opened();
      await accounts.delete('acc_ada', BY);
      const events = [{ type: 'session-revoked', initiator: 'admin' }, { type: 'account-purged' }];
      expect(await jobs()).toEqual([
        {
          ...{ kind: 'end-account', accountId: 'acc_ada', before: clock() },
          news: { events, at: clock(), consented: ['web'] },
        },
      ]);
    });

    it('are a job of their own where no access ends, once for a change that one of many makes', async () => {
      const { accounts, clock, jobs } = await opened();
      await racers(10, (n) => accounts.enrolTotp('acc_ada', 1, aTotp({ id: `otp_${n}` }), BY));
      const change = { type: 'credential-change', credential: 'app', change: 'create', initiator: 'admin' };
      expect(await jobs()).toEqual([
        {
          ...{ kind: 'account-news', accountId: 'acc_ada' },
          news: { events: [change], at: clock(), consented: ['web'] },
        },
      ]);
    });

    it('are none where the change is not made', async () => {
      const { accounts, refuseInserts, jobs } = await opened();
      expect(await accounts.enrolTotp('acc_ada', 7, aTotp(), BY)).toBe(false);
      expect(await accounts.signOut('acc_nobody', BY)).toBe(false);
      await refuseInserts('AuditEvent');
      for (const change of [accounts.signOut, accounts.enable]) {
        await expect(change('acc_ada', BY)).rejects.toThrow();
      }
      expect(await jobs()).toEqual([]);
    });

    it('are none where no application listens', async () => {
      const { accounts, clock, jobs } = await opened({ listening: false });
      await accounts.enrolTotp('acc_ada', 1, aTotp(), BY);
      await accounts.signOut('acc_ada', BY);
      expect(await jobs()).toEqual([{ kind: 'end-account', accountId: 'acc_ada', before: clock() }]);
    });
  });
}
