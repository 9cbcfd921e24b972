import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiKey } from '../../src/api-keys/api-key.ts';
import { createLastUse } from '../../src/api-keys/last-use.ts';
import { DAY, HOUR, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, BY } from './samples.ts';

const API = 'https://api.example.org';

/** Every ApiKeyStore must pass this, and what the registry says of its rows. */
export function apiKeyStoreContract(name: string, open: () => Promise<TestStores>): void {
  let stores: TestStores;
  beforeEach(async () => {
    stores = await open();
    await stores.clients.create(aClient({ id: 'api', type: 'resource', audience: API }), 'hash-1', BY);
    await stores.clients.create(aClient({ id: 'job', type: 'service' }), 'hash-2', BY);
  });

  const fresh = { name: 'Night job', clientId: 'job', apiId: 'api', permissions: ['read', 'write'] };
  const ends = (after: number) => stores.clock() + toMilliseconds(after);
  const make = (id = 'key_one', expiresAt: number | null = ends(DAY)) =>
    stores.apiKeys.create({ ...fresh, id, expiresAt }, `hash of ${id}`, BY);
  const next = (index: number | string = 2) => ({ id: `key_${index}`, keyHash: `hash of ${index}`, expiresAt: null });
  const usable = (hash = 'hash of key_one') => stores.registry.apiKey('keyHash', hash);
  const events = async () =>
    (await stores.rows('AuditEvent')).map((row) => row['event']).filter((each) => String(each).startsWith('api_key'));

  describe(`API keys in ${name}`, () => {
    it('are found as they were made, by id and by hash, by client and by API', async () => {
      expect(await make()).toBe(true);
      const expected: ApiKey = {
        ...{ ...fresh, id: 'key_one', createdAt: stores.clock(), expiresAt: ends(DAY) },
        ...{ lastUsedAt: null, revokedAt: null, replacedBy: null },
      };
      expect(await stores.apiKeys.find('key_one')).toEqual(expected);
      expect(await stores.apiKeys.findByHash('hash of key_one')).toEqual(expected);
      for (const of of [undefined, {}, { clientId: 'job' }, { apiId: 'api' }, { clientId: 'job', apiId: 'api' }]) {
        expect(await stores.apiKeys.list(of)).toEqual([expected]);
      }
      for (const of of [{ clientId: 'api' }, { apiId: 'job' }]) expect(await stores.apiKeys.list(of)).toEqual([]);
      expect(await stores.apiKeys.find('key_two')).toBeNull();
      expect(await stores.apiKeys.findByHash('key_one')).toBeNull();

      const { createdAt, expiresAt } = expected;
      const { name: _name, ...known } = fresh;
      const asked = { ...known, id: 'key_one', audience: API, createdAt, expiresAt };
      expect(await usable()).toEqual(asked);
      expect(await stores.registry.apiKey('id', 'key_one')).toEqual(asked);
      expect(await stores.registry.apiKey('id', 'hash of key_one')).toBeNull();
      expect(await usable('key_one')).toBeNull();
    });

    it('keep no key, and are told of in the trail by ids', async () => {
      await make();
      await stores.apiKeys.rotate('key_one', next(), ends(HOUR), BY);
      await stores.apiKeys.revoke('key_one', BY);
      const trail = (await stores.rows('AuditEvent')).filter(({ event }) => String(event).startsWith('api_key'));
      expect(trail.map(({ event, clientId, detail }) => [event, clientId, JSON.parse(String(detail))])).toEqual([
        ['api_key.created', 'job', { keyId: 'key_one', api: 'api' }],
        [
          ...['api_key.rotated', 'job'],
          { keyId: 'key_one', api: 'api', replacedBy: 'key_2', oldEndsAt: new Date(ends(HOUR)).toISOString() },
        ],
        ['api_key.revoked', 'job', { keyId: 'key_one', api: 'api' }],
      ]);
    });

    it('need a client and an API that are there', async () => {
      const before = await stores.everything();
      for (const lost of [{ clientId: 'gone' }, { apiId: 'gone' }]) {
        const key = { ...fresh, ...lost, id: 'key_one', expiresAt: null };
        expect(await stores.apiKeys.create(key, 'hash', BY)).toBe(false);
      }
      expect(await stores.everything()).toBe(before);
    });

    it('may be used until they expire, and for good where they do not', async () => {
      await make();
      await make('key_lasting', null);
      stores.clock.forward(DAY - 1);
      expect(await usable()).not.toBeNull();
      stores.clock.forward(1);
      expect(await usable()).toBeNull();
      stores.clock.forward(1000 * DAY);
      expect(await usable('hash of key_lasting')).toMatchObject({ expiresAt: null });
    });

    it.each(['job', 'api'])('may not be used while %s is disabled, and end with it', async (id) => {
      await make();
      await stores.clients.setStatus(id, 'disabled', BY);
      expect(await usable()).toBeNull();
      expect(await stores.registry.apiKey('id', 'key_one')).toBeNull();
      await stores.clients.setStatus(id, 'active', BY);
      expect(await usable()).not.toBeNull();
      await stores.clients.delete(id, BY);
      expect(await usable()).toBeNull();
      expect(await stores.rows('ApiKey')).toEqual([]);
    });

    it('are revoked once, however many try', async () => {
      await make();
      const won = await racers(10, () => stores.apiKeys.revoke('key_one', BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await events()).toEqual(['api_key.created', 'api_key.revoked']);
      expect(await usable()).toBeNull();
      expect(await stores.apiKeys.revoke('key_none', BY)).toBe(false);
      expect(await stores.apiKeys.find('key_one')).toMatchObject({ revokedAt: stores.clock() });
    });

    it('are replaced by one other, however many try', async () => {
      await make();
      const won = await racers(10, (index) => stores.apiKeys.rotate('key_one', next(index), ends(HOUR), BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await stores.apiKeys.list()).toHaveLength(2);
      expect(await events()).toEqual(['api_key.created', 'api_key.rotated']);
      const all = await stores.apiKeys.list();
      const [old, made] = [all.find(({ id }) => id === 'key_one'), all.find(({ id }) => id !== 'key_one')];
      expect(old).toMatchObject({ id: 'key_one', replacedBy: made?.id, expiresAt: ends(HOUR) });
      expect(made).toMatchObject({ ...fresh, expiresAt: null, replacedBy: null, revokedAt: null });
      // Until then, either opens.
      const hash = `hash of ${made?.id.replace('key_', '')}`;
      for (const each of ['hash of key_one', hash]) expect(await usable(each)).not.toBeNull();
      stores.clock.forward(HOUR);
      expect([await usable(), await usable(hash)]).toEqual([null, expect.anything()]);
    });

    it('live no longer for being replaced', async () => {
      await make('key_one', ends(MINUTE));
      await stores.apiKeys.rotate('key_one', next(), ends(HOUR), BY);
      expect(await stores.apiKeys.find('key_one')).toMatchObject({ expiresAt: ends(MINUTE) });
    });

    it('that ended are not replaced', async () => {
      await make('key_revoked');
      await stores.apiKeys.revoke('key_revoked', BY);
      await make('key_expired', ends(MINUTE));
      stores.clock.forward(MINUTE);
      const before = await stores.everything();
      for (const id of ['key_revoked', 'key_expired', 'key_none']) {
        expect(await stores.apiKeys.rotate(id, next(), ends(HOUR), BY), id).toBe(false);
      }
      expect(await stores.everything()).toBe(before);
    });

    it('revoked and replaced at once leave the old one dead', async () => {
      await make();
      await Promise.all([
        ...[stores.apiKeys.rotate('key_one', next(), ends(HOUR), BY), stores.apiKeys.revoke('key_one', BY)],
        stores.apiKeys.revoke('key_one', BY),
      ]);
      expect(await usable()).toBeNull();
    });

    it('are revoked for good: what began before sees the end or ends', async () => {
      await make();
      const looks = Array.from({ length: 20 }, () => usable());
      await stores.apiKeys.revoke('key_one', BY);
      expect(await usable()).toBeNull();
      await Promise.all(looks);
    });

    it.each(['job', 'api'])(
      'are revoked in an incident of %s, each once, and not in one of everything',
      async (clientId) => {
        await make();
        await make('key_revoked');
        await stores.apiKeys.revoke('key_revoked', BY);
        await make('key_expired', ends(-MINUTE));
        const incident = await stores.incidents.open('inc_one', { kind: 'client', clientId }, 'match', BY);
        const tokens = { clientId, disable: false, newSecretHash: null };
        const all = await stores.incidents.open('inc_all', { kind: 'everything' }, 'match', BY);
        await stores.incidents.endClient(all, { ...tokens, revokeApiKeys: false }, BY);
        expect(await usable()).not.toBeNull();

        const ending = { ...tokens, revokeApiKeys: true };
        const won = await racers(5, () => stores.incidents.endClient(incident, ending, BY));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await usable()).toBeNull();
        // Where the new secret was never shown, the command is repeated.
        await stores.incidents.endClient(incident, { ...ending, newSecretHash: 'hash-3' }, BY);
        const ended = { clientId, disabled: false, newSecret: true, apiKeysRevoked: 2 };
        expect((await stores.incidents.ended(incident)).clients).toEqual([ended]);
        expect((await events()).filter((event) => event === 'api_key.revoked')).toHaveLength(3);
      },
    );

    it('say when they were used, to within a minute, and never earlier than before', async () => {
      await make();
      const failed: Error[] = [];
      const lastUse = createLastUse({
        store: stores.apiKeys,
        clock: stores.clock,
        onFailed: (err) => void failed.push(err),
      });
      const lastUsed = async () => (await stores.apiKeys.find('key_one'))?.lastUsedAt ?? null;
      const first = stores.clock();
      for (let times = 0; times < 50; times += 1) lastUse.note('key_one');
      await expect.poll(lastUsed).toBe(first);
      stores.clock.forward(MINUTE - 1);
      lastUse.note('key_one');
      stores.clock.forward(1);
      lastUse.note('key_one');
      await expect.poll(lastUsed).toBe(first + toMilliseconds(MINUTE));
      await stores.apiKeys.markUsed('key_one', first);
      expect(await lastUsed()).toBe(first + toMilliseconds(MINUTE));
      expect(await events()).toEqual(['api_key.created']);
      expect(failed).toEqual([]);
    });
  });
}
