import { describe, expect, it } from 'vitest';
import type { AccountEnding } from '../../src/incident/incident.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, BY } from './samples.ts';

const SCOPE = { kind: 'account', accountId: 'acc_ada' } as const;
const ending = (some: Partial<AccountEnding> = {}): AccountEnding => ({
  ...{ accountId: 'acc_ada', sessions: 2, grants: 3, told: ['web'], password: 'required', mail: true },
  removePasskeys: true,
  ...some,
});

/** Every IncidentStore must pass this. */
export function incidentStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.accounts.create(anAccount(), BY);
    await stores.clients.create(aClient(), 'secret-1', BY);
    stores.clock.forward(60);
    const incident = await stores.incidents.open('inc_1', SCOPE, 'same', BY);
    stores.clock.forward(1);
    const names = async () => (await stores.rows('AuditEvent')).map((row) => row['event']);
    return { ...stores, incident, names };
  }

  describe(`an incident in ${name}`, () => {
    it('is gone on with until it is done, by the same command, for a while', async () => {
      const { incidents, incident } = await opened();
      expect(await incidents.unfinished('same', incident.openedAt)).toEqual(incident);
      expect(await incidents.unfinished('same', incident.openedAt + 1)).toBeNull();
      expect(await incidents.unfinished('other', 0)).toBeNull();
      await incidents.done('inc_1', SCOPE, BY);
      expect(await incidents.unfinished('same', 0)).toBeNull();
    });

    it('ends an account by one of many, and never again', async () => {
      const { incidents, incident, accounts, clock, mails, outbox, everything } = await opened();
      const won = await racers(10, () => incidents.endAccount(incident, ending(), BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.find('acc_ada')).toMatchObject({ notBefore: clock(), mustChangePassword: true });
      expect((await mails.list()).map(({ message }) => message)).toEqual(['incident']);
      expect(await incidents.ended(incident)).toEqual({
        accounts: [
          {
            ...{ accountId: 'acc_ada', sessions: 2, grants: 3, told: ['web'] },
            ...{ password: 'required', passkeysRemoved: 0, mailed: true },
          },
        ],
        clients: [],
      });
      expect(await incidents.pending(incident.openedAt, 'acc_ada')).toEqual({ mail: 1, 'end-account': 1 });
      expect(await incidents.pending(incident.openedAt, 'acc_eve')).toEqual({});
      clock.forward(1);
      expect(await incidents.endAccount(incident, ending(), BY)).toBe(false);
      expect((await accounts.find('acc_ada'))?.notBefore).toBe(clock() - 1000);
      expect(await incidents.endAccount(incident, ending({ accountId: 'acc_none' }), BY)).toBe(false);
      const jobs = (await outbox.take(10, clock() + 1)).map(({ job }) => job).filter(({ kind }) => kind !== 'mail');
      expect(jobs).toEqual([{ kind: 'end-account', accountId: 'acc_ada', before: clock() - 1000 }]);
      expect(await everything()).toContain('account.password_change_required');
    });

    it('ends what was mailed before, by which a password could be chosen, whether or not that must be', async () => {
      for (const password of ['required', 'kept'] as const) {
        const { incidents, incident, links, rows } = await opened();
        await links.send('acc_ada', { purpose: 'password-reset', language: 'en', by: BY });
        expect(await incidents.endAccount(incident, ending({ password }), BY)).toBe(true);
        expect(await rows('MailedLink')).toEqual([]);
      }
    });

    it('leaves the password, and writes to nobody, where that is said', async () => {
      const { incidents, incident, accounts, mails } = await opened();
      await incidents.endAccount(incident, ending({ password: 'kept', mail: false }), BY);
      expect(await accounts.find('acc_ada')).toMatchObject({ mustChangePassword: false });
      expect(await mails.list()).toEqual([]);
    });

    for (const table of ['AuditEvent', 'OutboxMessage']) {
      it(`ends nothing where its row in ${table} cannot be written`, async () => {
        const { incidents, incident, accounts, refuseInserts } = await opened();
        const before = await accounts.find('acc_ada');
        await refuseInserts(table);
        await expect(incidents.endAccount(incident, ending(), BY)).rejects.toThrow();
        expect(await accounts.find('acc_ada')).toEqual(before);
      });
    }

    it('refuses a client by one of many, and clears up when its people were told', async () => {
      const { incidents, incident, registry, clock, outbox } = await opened();
      const what = { clientId: 'web', disable: true, newSecretHash: null, revokeApiKeys: true };
      const won = await racers(10, () => incidents.endClient(incident, what, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      const at = clock();
      expect(await registry.client('web')).toMatchObject({ status: 'disabled', notBefore: at });
      expect(await outbox.take(10, clock() + 1)).toEqual([]);

      clock.forward(1);
      const told = ending({ password: 'kept', mail: false });
      const heard = await racers(10, () => incidents.tellOf(incident, 'web', ['sid-1', 'sid-2'], told, BY));
      expect(heard.filter(Boolean)).toHaveLength(1);
      await incidents.clear('web');
      expect((await outbox.take(10, clock() + 1)).map(({ job }) => job)).toEqual(
        expect.arrayContaining([
          { kind: 'backchannel-logout', clientId: 'web', accountId: 'acc_ada', sid: 'sid-1' },
          { kind: 'backchannel-logout', clientId: 'web', accountId: 'acc_ada', sid: 'sid-2' },
          { kind: 'end-client', clientId: 'web', before: at },
        ]),
      );
    });

    it('ends the management of a client by itself, where the incident is about that client', async () => {
      const { incidents, incident, clients, execute, rows } = await opened();
      await execute(`UPDATE "Client" SET "registrationTokenHash" = 'token' WHERE id = 'web'`);
      const end = (revokeApiKeys: boolean) =>
        incidents.endClient(
          incident,
          { clientId: 'web', disable: false, newSecretHash: 'secret-2', revokeApiKeys },
          BY,
        );
      await end(false);
      expect(await clients.find('web')).toMatchObject({ managesItself: true });
      await end(true);
      expect(await clients.find('web')).toMatchObject({ managesItself: false });
      const ended = (await rows('AuditEvent')).filter(({ event }) => event === 'client.self_management_ended');
      expect(ended).toMatchObject([{ clientId: 'web' }]);
    });

    it('gives a client a new secret, and another where that was never shown', async () => {
      const { incidents, incident, registry } = await opened();
      for (const newSecretHash of ['secret-2', 'secret-3']) {
        await incidents.endClient(
          incident,
          { clientId: 'web', disable: false, newSecretHash, revokeApiKeys: true },
          BY,
        );
        expect((await registry.client('web'))?.secretHashes).toEqual([newSecretHash]);
      }
      expect((await incidents.ended(incident)).clients).toEqual([
        { clientId: 'web', disabled: false, newSecret: true, apiKeysRevoked: 0 },
      ]);
    });
  });
}
