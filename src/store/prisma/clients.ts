import type { AuditEvent } from '../../audit/audit.ts';
import { type Client, readSettings } from '../../clients/client.ts';
import type { ClientStore } from '../../clients/store.ts';
import type { By } from '../../lib/by.ts';
import { applyChange, type Change, type ChangeDeps } from './change.ts';
import { endingAccess, insertClient, insertSecret } from './client-rows.ts';
import { orConflict } from './conflict.ts';
import type { PrismaClient } from './database.ts';
import { keepPermissions, permissionUses } from './permissions.ts';

export function prismaClients({ prisma, clock, auditRow }: ChangeDeps): ClientStore {
  const now = () => new Date(clock());

  function change(
    id: string,
    data: Record<string, unknown>,
    event: AuditEvent,
    by: By,
    { endsAccess = false, also }: { endsAccess?: boolean } & Pick<Change, 'also'> = {},
  ): Promise<boolean> {
    return applyChange(
      { prisma, clock, auditRow },
      {
        write: (tx, stamp) => tx.client.updateMany({ where: { id }, data: { ...data, ...stamp } }),
        ...{ event, by },
        ...(endsAccess && { ending: endingAccess(id) }),
        ...(also && { also }),
      },
    );
  }

  return {
    async find(id) {
      return toClient(await prisma.client.findUnique({ where: { id } }));
    },
    async list() {
      const rows = await prisma.client.findMany({ orderBy: { createdAt: 'asc' } });
      return rows.map((row) => toClient(row) as Client);
    },
    async create(client, secretHash, by) {
      const at = now();
      const { id: clientId, type } = client;
      const write = prisma.$transaction(async (tx) => {
        await insertClient(tx, client, secretHash, at);
        await tx.auditEvent.create({ data: auditRow({ event: 'client.created', clientId, type }, by, at) });
      });
      await orConflict('id or audience', write);
    },
    update: ({ id, name, audience, settings }, by) =>
      orConflict(
        'audience',
        change(
          id,
          { name, audience, settings: JSON.stringify(settings) },
          { event: 'client.updated', clientId: id },
          by,
          { also: (tx, at) => keepPermissions(tx, { id, kept: settings.scopes, by, auditRow }, at) },
        ),
      ),
    permissionUses: (apiId) => permissionUses(prisma, apiId),
    rotateSecret(id, secretHash, { oldEndsAt, endsAccess }, by) {
      const ends = new Date(oldEndsAt);
      const event: AuditEvent = { event: 'client.secret_rotated', clientId: id, oldEndsAt: ends.toISOString() };
      return change(id, {}, event, by, {
        endsAccess,
        async also(tx) {
          // Two are live at the most: the new one, and for a while the last one before it.
          await tx.clientSecret.deleteMany({ where: { clientId: id, expiresAt: { not: null } } });
          await tx.clientSecret.updateMany({ where: { clientId: id }, data: { expiresAt: ends } });
          await insertSecret(tx, id, secretHash, now());
        },
      });
    },
    async secrets(id) {
      const rows = await prisma.clientSecret.findMany({ where: { clientId: id }, orderBy: { createdAt: 'desc' } });
      return rows.map((row) => ({ createdAt: row.createdAt.getTime(), expiresAt: row.expiresAt?.getTime() ?? null }));
    },
    setStatus: (id, status, by) =>
      change(id, { status }, { event: status === 'active' ? 'client.enabled' : 'client.disabled', clientId: id }, by, {
        endsAccess: status === 'disabled',
      }),
    endSelfManagement: (id, by) =>
      applyChange(
        { prisma, clock, auditRow },
        {
          write: (tx, stamp) =>
            tx.client.updateMany({
              where: { id, registrationTokenHash: { not: null } },
              data: { registrationTokenHash: null, ...stamp },
            }),
          ...{ event: { event: 'client.self_management_ended', clientId: id }, by },
        },
      ),
    delete: (id, by) =>
      change(id, {}, { event: 'client.deleted', clientId: id }, by, {
        endsAccess: true,
        also: (tx) => tx.client.delete({ where: { id } }),
      }),
  };
}

type ClientRow = NonNullable<Awaited<ReturnType<PrismaClient['client']['findUnique']>>>;

export function toClient(row: ClientRow | null): Client | null {
  if (!row) return null;
  const { id, name, audience, registeredBy } = row;
  return {
    ...{ id, name, audience, registeredBy },
    managesItself: row.registrationTokenHash !== null,
    type: row.type as Client['type'],
    status: row.status as Client['status'],
    settings: readSettings(row.type as Client['type'], row.settings),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}
