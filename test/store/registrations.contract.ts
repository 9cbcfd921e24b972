import { describe, expect, it } from 'vitest';
import type { NewClient } from '../../src/clients/store.ts';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { DEFAULT_POLICY } from '../../src/registration/policy.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, BY } from './samples.ts';

const named = (id: string, some: Partial<NewClient> = {}) => aClient({ id, ...some });
const issued = (name: string) => ({ secretHash: `secret-${name}`, accessTokenHash: `access-${name}` });

async function aToken({ registrationTokens, clock }: TestStores, usesLeft: number | null, id = 'rgt_1') {
  const expiresAt = clock() + toMilliseconds(HOUR);
  await registrationTokens.create({ id, name: 'CI', policy: DEFAULT_POLICY, expiresAt, usesLeft }, `hash-${id}`, BY);
}

/** Every RegistrationStore and RegistrationTokenStore must pass this. */
export function registrationsContract(name: string, open: () => Promise<TestStores>): void {
  const openly = ({ registrations, clock }: TestStores, id: string, mostUnused = 3) =>
    registrations.registerOpenly(named(id), issued(id), { mostUnused, unusedSince: clock() - toMilliseconds(DAY) }, BY);
  const events = async ({ rows }: TestStores, event: string) =>
    (await rows('AuditEvent')).filter((row) => row['event'] === event);

  describe(`registration tokens in ${name}`, () => {
    it('are found as they were made, by their hash, while they may be used', async () => {
      const stores = await open();
      const { registrationTokens, clock } = stores;
      await aToken(stores, 2);
      const token = {
        ...{ id: 'rgt_1', name: 'CI', policy: DEFAULT_POLICY, usesLeft: 2, revokedAt: null },
        ...{ createdAt: clock(), expiresAt: clock() + toMilliseconds(HOUR) },
      };
      expect(await registrationTokens.usable('hash-rgt_1')).toEqual(token);
      expect(await registrationTokens.list()).toEqual([token]);
      expect(await registrationTokens.policyOf('rgt_1')).toEqual(DEFAULT_POLICY);
      expect(await registrationTokens.usable('rgt_1')).toBeNull();
      clock.forward(HOUR);
      expect(await registrationTokens.usable('hash-rgt_1')).toBeNull();
      expect(await registrationTokens.policyOf('rgt_1')).toEqual(DEFAULT_POLICY);
    });

    it('are revoked once, and register nothing from then on', async () => {
      const stores = await open();
      const { registrationTokens, registrations } = stores;
      await aToken(stores, null);
      expect(await racers(5, () => registrationTokens.revoke('rgt_1', BY))).toEqual(
        expect.arrayContaining([true, false, false, false, false]),
      );
      expect(await registrationTokens.usable('hash-rgt_1')).toBeNull();
      expect(await registrations.registerByToken(named('late'), issued('late'), 'rgt_1', BY)).toBe('spent');
      expect(await events(stores, 'registration.token_revoked')).toHaveLength(1);
      expect(await registrationTokens.revoke('rgt_2', BY)).toBe(false);
    });

    it('with one use left register one of ten at the same moment', async () => {
      const stores = await open();
      const { registrations, clients } = stores;
      await aToken(stores, 1);
      const outcomes = await racers(10, (index) =>
        registrations.registerByToken(named(`app-${index}`), issued(`app-${index}`), 'rgt_1', BY),
      );
      expect(outcomes.sort()).toEqual(['registered', ...Array(9).fill('spent')]);
      expect(await clients.list()).toMatchObject([{ registeredBy: 'rgt_1', managesItself: true }]);
      expect(await stores.rows('ClientSecret')).toHaveLength(1);
      expect(await events(stores, 'client.registered')).toHaveLength(1);
    });

    it('that expired while a request was under way register nothing; without a number they register any', async () => {
      const stores = await open();
      await aToken(stores, null);
      const outcomes = await racers(5, (index) =>
        stores.registrations.registerByToken(named(`app-${index}`), issued(`app-${index}`), 'rgt_1', BY),
      );
      expect(outcomes).toEqual(Array(5).fill('registered'));
      stores.clock.forward(HOUR);
      expect(await stores.registrations.registerByToken(named('late'), issued('late'), 'rgt_1', BY)).toBe('spent');
    });

    it.each(['AuditEvent', 'ClientSecret'])('keep their use where %s cannot be written', async (table) => {
      const stores = await open();
      await aToken(stores, 1);
      const before = await stores.everything();
      await stores.refuseInserts(table);
      await expect(stores.registrations.registerByToken(named('app'), issued('app'), 'rgt_1', BY)).rejects.toThrow();
      expect(await stores.everything()).toBe(before);
    });
  });

  describe(`clients that registered themselves openly in ${name}`, () => {
    it('are as many as may wait for their first user, however many come at once', async () => {
      const stores = await open();
      const outcomes = await racers(8, (index) => openly(stores, `app-${index}`));
      expect(outcomes.sort()).toEqual([...Array(5).fill('full'), ...Array(3).fill('registered')]);
    });

    it('make room where somebody uses them, where an operator takes them over, and where nobody came for a day', async () => {
      const stores = await open();
      const { clients, consents, accounts, clock } = stores;
      for (const id of ['used', 'taken', 'idle']) await openly(stores, id);
      expect(await openly(stores, 'more')).toBe('full');
      await accounts.create(anAccount(), BY);
      await consents.give('acc_ada', 'used', { scopes: ['openid'], claims: [], resources: {} }, BY);
      // It had somebody: what it does once nobody allows it anything is not for the next stranger to decide.
      await consents.withdraw('acc_ada', 'used', BY);
      await clients.endSelfManagement('taken', BY);
      clock.forward(DAY + 1);
      expect(await openly(stores, 'more')).toBe('registered');
      expect((await clients.list()).map(({ id }) => id)).toEqual(['used', 'taken', 'more']);
      expect(await events(stores, 'client.deleted')).toMatchObject([{ clientId: 'idle', actor: 'system' }]);
    });
  });

  describe(`a client that manages itself in ${name}`, () => {
    async function one() {
      const stores = await open();
      await aToken(stores, null);
      await stores.registrations.registerByToken(named('app'), issued('app'), 'rgt_1', BY);
      await stores.registrations.registerByToken(named('other'), issued('other'), 'rgt_1', BY);
      const found = await stores.registrations.managed('app', 'access-app');
      if (!found) throw new Error('not managed');
      const { name: title, settings } = found.client;
      const change = { ...{ name: title, settings, secretHash: null }, dropsSecrets: false, asksAgain: false };
      return { ...stores, before: found.client, found, change };
    }

    it('is found by its own token only', async () => {
      const { registrations, found } = await one();
      expect(found.secretHashes).toEqual(['secret-app']);
      expect(await registrations.managed('app', 'access-other')).toBeNull();
      expect(await registrations.managed('nobody', 'access-app')).toBeNull();
      expect(await registrations.managed('app', 'app')).toBeNull();
    });

    it('spends that token once, of many at the same moment', async () => {
      const { registrations, before, change } = await one();
      const done = await racers(10, (index) =>
        registrations.replace(before, 'access-app', { ...change, accessTokenHash: `next-${index}` }, BY),
      );
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await registrations.managed('app', 'access-app')).toBeNull();
      expect(await registrations.managed('app', `next-${done.indexOf(true)}`)).not.toBeNull();
    });

    it('does not undo what an operator changed since it was read, nor with the token of another', async () => {
      const { registrations, clients, before, change, clock } = await one();
      const next = { ...change, accessTokenHash: 'next' };
      expect(await registrations.replace(before, 'access-other', next, BY)).toBe(false);
      clock.forward(1);
      await clients.update({ ...before, name: 'Diary' }, BY);
      expect(await registrations.replace(before, 'access-app', next, BY)).toBe(false);
      expect(await clients.find('app')).toMatchObject({ name: 'Diary' });
    });

    it('as something else has no consent left, and no token', async () => {
      const { registrations, registry, consents, accounts, before, change, clock, outbox } = await one();
      await accounts.create(anAccount(), BY);
      const consent = { scopes: ['openid'], claims: [], resources: {} };
      for (const id of ['app', 'other']) await consents.give('acc_ada', id, consent, BY);
      clock.forward(60);
      const next = { ...change, name: 'Diary', asksAgain: true, dropsSecrets: true, accessTokenHash: 'next' };
      expect(await registrations.replace(before, 'access-app', next, BY)).toBe(true);
      expect(await consents.find('acc_ada', 'app')).toBeNull();
      expect(await consents.find('acc_ada', 'other')).not.toBeNull();
      expect(await registry.client('app')).toMatchObject({ notBefore: clock(), secretHashes: [], name: 'Diary' });
      const jobs = (await outbox.take(10, clock() + 1000)).map(({ job }) => job);
      expect(jobs).toEqual([{ kind: 'end-client', clientId: 'app', before: clock() }]);
    });

    it('deletes itself once, and nothing else', async () => {
      const { registrations, clients, rows } = await one();
      expect(await registrations.delete('other', 'access-app', BY)).toBe(false);
      const done = await racers(5, () => registrations.delete('app', 'access-app', BY));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect((await clients.list()).map(({ id }) => id)).toEqual(['other']);
      expect(await rows('OutboxMessage')).toHaveLength(1);
    });

    it('cannot while it is disabled, nor ever once an operator took that away', async () => {
      const { registrations, clients, change } = await one();
      await clients.setStatus('app', 'disabled', BY);
      expect(await registrations.managed('app', 'access-app')).toBeNull();
      const disabled = await clients.find('app');
      if (!disabled) throw new Error('gone');
      const next = { ...change, accessTokenHash: 'next' };
      expect(await registrations.replace(disabled, 'access-app', next, BY)).toBe(false);
      expect(await registrations.delete('app', 'access-app', BY)).toBe(false);
      await clients.setStatus('app', 'active', BY);
      expect(await clients.endSelfManagement('app', BY)).toBe(true);
      expect(await clients.endSelfManagement('app', BY)).toBe(false);
      expect(await registrations.managed('app', 'access-app')).toBeNull();
      expect(await clients.find('app')).toMatchObject({ registeredBy: 'rgt_1', managesItself: false });
    });
  });
}
