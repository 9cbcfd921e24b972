import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/clients/client.ts';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, BY } from './samples.ts';

const API = 'https://api.example.org';
const BY_AN_OPERATOR = { registeredBy: null, managesItself: false };

/** Every ClientStore must pass this. */
export function clientStoreContract(name: string, open: () => Promise<TestStores>): void {
  const hashes = async ({ registry }: TestStores, id = 'web') => (await registry.client(id))?.secretHashes.sort();

  describe(`clients in ${name}`, () => {
    it('are found as they were created, by id and by audience', async () => {
      const { clients, registry, clock } = await open();
      const api = aClient({ id: 'api', type: 'resource', audience: API });
      await clients.create(api, 'hash-1', BY);
      const expected = { ...api, status: 'active', createdAt: clock(), updatedAt: clock(), ...BY_AN_OPERATOR };
      // A token of its own that is made in the same second says no more than that second.
      const notBefore = Math.floor(clock() / 1000) * 1000 - 1;

      expect(await clients.find('api')).toEqual(expected);
      expect(await clients.list()).toEqual([expected]);
      expect(await registry.client('api')).toEqual({ ...expected, notBefore, secretHashes: ['hash-1'] });
      expect(await registry.api(API)).toMatchObject({ id: 'api' });
      expect(await registry.api('https://other.example.org')).toBeNull();
      expect(await clients.find('web')).toBeNull();
      expect(await registry.client('web')).toBeNull();
    });

    it('of one id or one audience exist once', async () => {
      const { clients, everything } = await open();
      await clients.create(aClient({ id: 'api', type: 'resource', audience: API }), 'hash', BY);
      await clients.create(aClient({ id: 'api-2', type: 'resource', audience: `${API}/2` }), 'hash', BY);
      const before = await everything();
      const conflict = { name: 'Conflict' };
      await expect(clients.create(aClient({ id: 'api' }), 'hash', BY)).rejects.toMatchObject(conflict);
      await expect(clients.create(aClient({ audience: API }), 'hash', BY)).rejects.toMatchObject(conflict);
      const update = { ...aClient({ id: 'api-2', audience: API }) };
      await expect(clients.update(update, BY)).rejects.toMatchObject(conflict);
      expect(await everything()).toBe(before);
    });

    it('are updated without ending anything', async () => {
      const { clients, rows } = await open();
      await clients.create(aClient(), 'hash', BY);
      const settings = { ...defaultSettings('web'), firstParty: true };
      expect(await clients.update({ id: 'web', name: 'Diary', audience: null, settings }, BY)).toBe(true);
      expect(await clients.find('web')).toMatchObject({ name: 'Diary', settings: { firstParty: true } });
      expect(await rows('OutboxMessage')).toEqual([]);
    });

    it('have no secret where they are public', async () => {
      const stores = await open();
      await stores.clients.create(aClient({ type: 'spa' }), null, BY);
      expect(await hashes(stores)).toEqual([]);
    });
  });

  describe(`a client's secret in ${name}`, () => {
    it('is accepted beside its successor until it ends', async () => {
      const stores = await open();
      const { clients, clock } = stores;
      await clients.create(aClient(), 'old', BY);
      const oldEndsAt = clock() + toMilliseconds(HOUR);
      expect(await clients.rotateSecret('web', 'new', { oldEndsAt, endsAccess: false }, BY)).toBe(true);

      expect(await hashes(stores)).toEqual(['new', 'old']);
      expect((await clients.secrets('web')).map(({ expiresAt }) => expiresAt).sort()).toEqual([oldEndsAt, null]);
      clock.forward(HOUR - 1);
      expect(await hashes(stores)).toEqual(['new', 'old']);
      clock.forward(1);
      expect(await hashes(stores)).toEqual(['new']);
      expect(await stores.rows('OutboxMessage')).toEqual([]);
    });

    it('is one of two at the most, however often it is rotated', async () => {
      const stores = await open();
      const { clients, clock } = stores;
      await clients.create(aClient(), 'one', BY);
      clock.forward(1);
      await clients.rotateSecret('web', 'two', { oldEndsAt: clock() + 9000, endsAccess: false }, BY);
      clock.forward(1);
      await clients.rotateSecret('web', 'three', { oldEndsAt: clock() + 9000, endsAccess: false }, BY);
      expect(await hashes(stores)).toEqual(['three', 'two']);
      expect(await stores.rows('ClientSecret')).toHaveLength(2);
      clock.forward(10);
      expect(await hashes(stores)).toEqual(['three']);
    });

    it('rotated by many at the same moment is one that stays and one that ends', async () => {
      const stores = await open();
      const { clients, clock } = stores;
      await clients.create(aClient(), 'old', BY);
      const oldEndsAt = clock() + 9000;
      const rotated = await racers(10, (index) =>
        clients.rotateSecret('web', `new-${index}`, { oldEndsAt, endsAccess: false }, BY),
      );
      expect(rotated).toEqual(Array(10).fill(true));
      expect((await clients.secrets('web')).map(({ expiresAt }) => expiresAt).sort()).toEqual([oldEndsAt, null]);
      expect(await hashes(stores)).toEqual([expect.stringMatching(/^new-/), expect.stringMatching(/^new-/)]);
    });

    it('that was in the wrong hands ends at once, with all that was issued', async () => {
      const stores = await open();
      const { clients, clock, outbox, registry } = stores;
      await clients.create(aClient(), 'old', BY);
      clock.forward(60);
      await clients.rotateSecret('web', 'new', { oldEndsAt: clock(), endsAccess: true }, BY);
      expect(await hashes(stores)).toEqual(['new']);
      expect(await registry.client('web')).toMatchObject({ notBefore: clock(), status: 'active' });
      expect((await outbox.take(1, clock() + 1000))[0]?.job).toEqual({
        kind: 'end-client',
        clientId: 'web',
        before: clock(),
      });
    });

    it('of a client that is not there is not rotated', async () => {
      const { clients, rows } = await open();
      expect(await clients.rotateSecret('web', 'new', { oldEndsAt: 0, endsAccess: true }, BY)).toBe(false);
      expect(await rows('ClientSecret')).toEqual([]);
    });
  });

  describe(`what ends a client's access in ${name}`, () => {
    type Change = (stores: TestStores) => Promise<boolean>;
    const changes: [string, Change, boolean][] = [
      ['client.disabled', ({ clients }) => clients.setStatus('web', 'disabled', BY), true],
      ['client.deleted', ({ clients }) => clients.delete('web', BY), false],
      [
        'client.secret_rotated',
        ({ clients, clock }) => clients.rotateSecret('web', 'new', { oldEndsAt: clock(), endsAccess: true }, BY),
        true,
      ],
    ];

    it('stays refused where a clock went back since', async () => {
      const { clients, clock, registry } = await open();
      await clients.create(aClient(), 'old', BY);
      clock.forward(60);
      await clients.rotateSecret('web', 'new', { oldEndsAt: clock(), endsAccess: true }, BY);
      const at = clock();
      clock.forward(-30);
      await clients.setStatus('web', 'disabled', BY);
      expect(await registry.client('web')).toMatchObject({ status: 'disabled', notBefore: at });
    });

    for (const [event, change, stays] of changes) {
      it(`refuses what is older, queues its removal and is audited: ${event}`, async () => {
        const stores = await open();
        await stores.clients.create(aClient(), 'old', BY);
        stores.clock.forward(60);
        const at = stores.clock();
        expect(await change(stores)).toBe(true);

        const registered = await stores.registry.client('web');
        expect(registered?.notBefore).toBe(stays ? at : undefined);
        const jobs = (await stores.outbox.take(10, at + 1000)).map(({ job }) => job);
        expect(jobs).toEqual([{ kind: 'end-client', clientId: 'web', before: at }]);
        expect((await stores.rows('AuditEvent')).filter((row) => row['event'] === event)).toMatchObject([
          { at, clientId: 'web' },
        ]);
      });

      for (const table of ['AuditEvent', 'OutboxMessage']) {
        it(`does not happen where its row in ${table} cannot be written: ${event}`, async () => {
          const stores = await open();
          await stores.clients.create(aClient(), 'old', BY);
          const before = await stores.everything();
          await stores.refuseInserts(table);
          stores.clock.forward(60);
          await expect(change(stores)).rejects.toThrow();
          expect(await stores.everything()).toBe(before);
        });
      }
    }

    it('stays in force for what is older when the client is enabled again', async () => {
      const { clients, clock, registry, rows } = await open();
      await clients.create(aClient(), 'old', BY);
      await clients.setStatus('web', 'disabled', BY);
      const disabledAt = clock();
      clock.forward(60);
      await clients.setStatus('web', 'active', BY);
      expect(await registry.client('web')).toMatchObject({ status: 'active', notBefore: disabledAt });
      expect(await rows('OutboxMessage')).toHaveLength(1);
    });
  });
}
