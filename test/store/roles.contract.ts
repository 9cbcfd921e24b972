import { describe, expect, it } from 'vitest';
import type { NewRole } from '../../src/authorization/store.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { aClient, anAccount, BY } from './samples.ts';

const ADA = { kind: 'account', id: 'acc_ada' } as const;
const ROBOT = { kind: 'client', id: 'robot' } as const;

function aRole(some: Partial<NewRole> = {}): NewRole {
  const permissions = ['posts:read', 'posts:write'];
  return { id: 'rol_1', apiId: 'blog', name: 'editor', description: 'Edits', permissions, everyone: false, ...some };
}

/** Every RoleStore must pass this, with the registry that reads what it writes. */
export function roleStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { accounts, clients, rows } = stores;
    await accounts.create(anAccount(), BY);
    await clients.create(aClient({ id: 'blog', type: 'resource', audience: 'https://blog.example.org' }), null, BY);
    await clients.create(aClient({ id: 'shop', type: 'resource', audience: 'https://shop.example.org' }), null, BY);
    await clients.create(aClient({ id: 'robot', type: 'service' }), null, BY);
    const events = async (event: string) =>
      (await rows('AuditEvent'))
        .filter((row) => row['event'] === event)
        .map((row) => ({ ...row, ...JSON.parse(String(row['detail'])) }) as Record<string, unknown>);
    return { ...stores, events };
  }

  describe(`roles in ${name}`, () => {
    it('are found as they were created, by API and name', async () => {
      const { roles, clock, events } = await opened();
      await roles.create(aRole(), BY);
      await roles.create(aRole({ id: 'rol_2', apiId: 'shop', permissions: [], everyone: true }), BY);
      const made = { createdAt: clock(), updatedAt: clock() };
      expect(await roles.find('blog', 'editor')).toEqual({ ...aRole(), ...made });
      expect(await roles.find('blog', 'reader')).toBeNull();
      expect((await roles.list()).map(({ id }) => id)).toEqual(['rol_1', 'rol_2']);
      expect((await roles.list('shop')).map(({ id }) => id)).toEqual(['rol_2']);
      expect(await events('role.created')).toMatchObject([
        { clientId: 'blog', roleId: 'rol_1', name: 'editor', accountId: null, actor: BY.actor },
        { clientId: 'shop', roleId: 'rol_2' },
      ]);
    });

    it('have a name once in an API, also where many make it at once, or another takes it', async () => {
      const { roles, events } = await opened();
      const made = await racers(5, (index) =>
        roles.create(aRole({ id: `rol_${index}` }), BY).then(
          () => true,
          (err: Error) => err.name,
        ),
      );
      expect(made.filter((one) => one === true)).toHaveLength(1);
      expect(made.filter((one) => one === 'Conflict')).toHaveLength(4);
      expect(await events('role.created')).toHaveLength(1);
      await roles.create(aRole({ id: 'rol_9', name: 'reader' }), BY);
      await expect(roles.update(aRole({ id: 'rol_9' }), BY)).rejects.toMatchObject({ name: 'Conflict' });
      expect(await roles.find('blog', 'reader')).not.toBeNull();
    });

    it('change, and say so at the next look', async () => {
      const { roles, registry, clock, events } = await opened();
      await roles.create(aRole(), BY);
      await roles.grant('rol_1', ADA, BY);
      clock.forward(60);
      const { apiId: _, ...changed } = aRole({ name: 'author', permissions: ['posts:read'], description: '' });
      expect(await roles.update(changed, BY)).toBe(true);
      expect(await roles.find('blog', 'author')).toMatchObject({ ...changed, updatedAt: clock() });
      expect(await registry.roles(ADA, 'blog')).toEqual([{ name: 'author', permissions: ['posts:read'] }]);
      expect(await events('role.updated')).toMatchObject([{ roleId: 'rol_1', clientId: 'blog', name: 'author' }]);
      expect(await roles.update({ ...changed, id: 'rol_none' }, BY)).toBe(false);
      expect(await events('role.updated')).toHaveLength(1);
    });

    it('are held by accounts and by services, each at its own API', async () => {
      const { roles, registry, events } = await opened();
      await roles.create(aRole(), BY);
      await roles.create(aRole({ id: 'rol_2', apiId: 'shop', name: 'clerk' }), BY);
      await roles.create(aRole({ id: 'rol_3', name: 'anyone', permissions: ['posts:read'], everyone: true }), BY);
      expect(await roles.grant('rol_1', ADA, BY)).toBe(true);
      expect(await roles.grant('rol_1', ROBOT, BY)).toBe(true);
      expect(await roles.grant('rol_2', ROBOT, BY)).toBe(true);
      expect(await roles.holders('rol_1')).toEqual([ADA, ROBOT]);
      expect((await roles.heldBy(ADA)).map((role) => role.name)).toEqual(['editor']);
      expect((await roles.heldBy(ROBOT)).map((role) => role.name)).toEqual(['editor', 'clerk']);

      const names = async (holder: typeof ADA | typeof ROBOT, apiId: string) =>
        (await registry.roles(holder, apiId)).map((role) => role.name);
      expect(await names(ADA, 'blog')).toEqual(['anyone', 'editor']);
      expect(await names(ADA, 'shop')).toEqual([]);
      // What everybody holds is for people: a machine has what it was given.
      expect(await names(ROBOT, 'blog')).toEqual(['editor']);
      expect(await names(ROBOT, 'shop')).toEqual(['clerk']);
      expect(await events('role.granted')).toMatchObject([
        { roleId: 'rol_1', name: 'editor', clientId: 'blog', accountId: 'acc_ada' },
        { roleId: 'rol_1', accountId: null, service: 'robot' },
        { roleId: 'rol_2', accountId: null, service: 'robot' },
      ]);
    });

    it('are granted and revoked once, however many do it at once', async () => {
      const { roles, events, rows } = await opened();
      await roles.create(aRole(), BY);
      for (const holder of [ADA, ROBOT]) {
        const granted = await racers(5, () => roles.grant('rol_1', holder, BY));
        expect(granted.filter(Boolean)).toHaveLength(1);
        const revoked = await racers(5, () => roles.revoke('rol_1', holder, BY));
        expect(revoked.filter(Boolean)).toHaveLength(1);
        expect(await roles.revoke('rol_1', holder, BY)).toBe(false);
      }
      expect([await rows('AccountRole'), await rows('ClientRole')]).toEqual([[], []]);
      expect([await events('role.granted'), await events('role.revoked')].map((all) => all.length)).toEqual([2, 2]);
    });

    it('are granted to nobody who is not there, and not where there is none', async () => {
      const { roles, everything } = await opened();
      await roles.create(aRole(), BY);
      const before = await everything();
      for (const kind of ['account', 'client'] as const) {
        expect(await roles.grant('rol_1', { kind, id: 'nobody' }, BY)).toBe(false);
        expect(await roles.grant('rol_none', kind === 'account' ? ADA : ROBOT, BY)).toBe(false);
      }
      expect(await roles.delete('rol_none', BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('go with all that hold them, also where one is being granted', async () => {
      const { roles, registry, rows, events } = await opened();
      await roles.create(aRole(), BY);
      const done = await Promise.all([
        roles.grant('rol_1', ADA, BY),
        roles.delete('rol_1', BY),
        roles.grant('rol_1', ROBOT, BY),
      ]);
      expect(done[1]).toBe(true);
      expect([await rows('Role'), await rows('AccountRole'), await rows('ClientRole')]).toEqual([[], [], []]);
      expect(await registry.roles(ADA, 'blog')).toEqual([]);
      expect(await events('role.deleted')).toMatchObject([{ roleId: 'rol_1', name: 'editor', clientId: 'blog' }]);
      expect(await events('role.granted')).toHaveLength([done[0], done[2]].filter(Boolean).length);
    });

    it('go with their API, and from whom is deleted while one is granted', async () => {
      const { accounts, clients, roles, rows } = await opened();
      await roles.create(aRole(), BY);
      await Promise.all([roles.grant('rol_1', ADA, BY), accounts.delete('acc_ada', BY)]);
      await Promise.all([roles.grant('rol_1', ROBOT, BY), clients.delete('robot', BY)]);
      expect([await rows('AccountRole'), await rows('ClientRole')]).toEqual([[], []]);
      await clients.delete('blog', BY);
      expect(await rows('Role')).toEqual([]);
    });

    it('lose what their API no longer knows, and do not get it back with it', async () => {
      const { clients, roles, events, execute, refuseInserts } = await opened();
      const api = (scopes: string[]) => {
        const blog = aClient({ id: 'blog', type: 'resource', audience: 'https://blog.example.org' });
        return { ...blog, settings: { ...blog.settings, scopes } };
      };
      await clients.update(api(['posts:read', 'posts:write']), BY);
      await roles.create(aRole(), BY);
      await roles.create(aRole({ id: 'rol_2', name: 'reader', permissions: ['posts:read'] }), BY);
      await roles.create(aRole({ id: 'rol_3', apiId: 'shop' }), BY);
      await execute(`INSERT INTO "ApiKey" (id, "keyHash", name, "clientId", "apiId", permissions, "createdAt")
        VALUES ('key_1', 'hash', 'Deploy', 'robot', 'blog', '["posts:write"]', '2026-11-21 12:00:00')`);
      expect(await clients.permissionUses('blog')).toEqual([
        { by: 'role', name: 'editor', permissions: ['posts:read', 'posts:write'] },
        { by: 'role', name: 'reader', permissions: ['posts:read'] },
        { by: 'API key', name: 'Deploy', permissions: ['posts:write'] },
      ]);
      expect(await clients.update(api(['posts:read']), BY)).toBe(true);
      await clients.update(api(['posts:read', 'posts:write']), BY);
      expect((await clients.permissionUses('blog')).map(({ permissions }) => permissions)).toEqual([
        ['posts:read'],
        ['posts:read'],
        [],
      ]);
      expect((await roles.find('shop', 'editor'))?.permissions).toEqual(['posts:read', 'posts:write']);
      expect(await events('role.updated')).toMatchObject([{ roleId: 'rol_1', name: 'editor', clientId: 'blog' }]);
      await refuseInserts('AuditEvent');
      await expect(clients.update(api([]), BY)).rejects.toThrow();
      expect((await clients.permissionUses('blog'))[0]?.permissions).toEqual(['posts:read']);
    });

    it('do not change where that cannot be audited', async () => {
      const { roles, everything, refuseInserts } = await opened();
      await roles.create(aRole(), BY);
      await roles.create(aRole({ id: 'rol_2', name: 'reader' }), BY);
      await roles.grant('rol_1', ADA, BY);
      await refuseInserts('AuditEvent');
      const before = await everything();
      await expect(roles.create(aRole({ id: 'rol_3', name: 'other' }), BY)).rejects.toThrow();
      await expect(roles.update(aRole({ name: 'author' }), BY)).rejects.toThrow();
      await expect(roles.delete('rol_1', BY)).rejects.toThrow();
      await expect(roles.grant('rol_2', ADA, BY)).rejects.toThrow();
      await expect(roles.revoke('rol_1', ADA, BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });
  });
}
