import type { AuditEvent } from '../../audit/audit.ts';
import { type Client, readSettings } from '../../clients/client.ts';
import type { ClientStore } from '../../clients/store.ts';
import type { By } from '../../lib/by.ts';
import { newId } from '../../lib/ids.ts';
import { applyChange, type Change, type ChangeDeps } from './change.ts';
import { orConflict } from './conflict.ts';
import type { PrismaClient, Transaction } from './database.ts';

export function prismaClients({ prisma, clock, auditRow }: ChangeDeps): ClientStore {
  const now = () => new Date(clock());

  function change(
    id: string,
    data: Record<string, unknown>,
    event: AuditEvent,
    by: By,
    { endsAccess = false, also }: { endsAccess?: boolean } & Pick<Change, 'also'> = {},
  ): Promise<boolean> {
    const ending = {
      refuse: (tx: Transaction, before: Date) =>
        tx.client.updateMany({ where: { id, notBefore: { lt: before } }, data: { notBefore: before } }),
      job: (before: number) => ({ kind: 'end-client', clientId: id, before }) as const,
    };
    return applyChange(
      { prisma, clock, auditRow },
      {
        write: (tx, stamp) => tx.client.updateMany({ where: { id }, data: { ...data, ...stamp } }),
        ...{ event, by },
        ...(endsAccess && { ending }),
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
      // Its own tokens say the second they were made in, which may be the one that it is registered in.
      const notBefore = new Date(at.getTime() - at.getMilliseconds() - 1);
      const { id, name, type, audience, settings } = client;
      const write = prisma.$transaction(async (tx) => {
        await tx.client.create({
          data: {
            ...{ id, name, type, audience, status: 'active', createdAt: at, updatedAt: at, notBefore },
            settings: JSON.stringify(settings),
          },
        });
        if (secretHash) {
          await tx.clientSecret.create({ data: { id: newId('sec'), clientId: id, secretHash, createdAt: at } });
        }
        await tx.auditEvent.create({ data: auditRow({ event: 'client.created', clientId: id, type }, by, at) });
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
        ),
      ),
    rotateSecret(id, secretHash, { oldEndsAt, endsAccess }, by) {
      const ends = new Date(oldEndsAt);
      const event: AuditEvent = { event: 'client.secret_rotated', clientId: id, oldEndsAt: ends.toISOString() };
      return change(id, {}, event, by, {
        endsAccess,
        async also(tx) {
          // Two are live at the most: the new one, and for a while the last one before it.
          await tx.clientSecret.deleteMany({ where: { clientId: id, expiresAt: { not: null } } });
          await tx.clientSecret.updateMany({ where: { clientId: id }, data: { expiresAt: ends } });
          await tx.clientSecret.create({ data: { id: newId('sec'), clientId: id, secretHash, createdAt: now() } });
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
    delete: (id, by) =>
      change(id, {}, { event: 'client.deleted', clientId: id }, by, {
        endsAccess: true,
        also: (tx) => tx.client.delete({ where: { id } }),
      }),
  };
}

type ClientRow = NonNullable<Awaited<ReturnType<PrismaClient['client']['findUnique']>>>;

function toClient(row: ClientRow | null): Client | null {
  if (!row) return null;
  const { id, name, audience } = row;
  return {
    ...{ id, name, audience },
    type: row.type as Client['type'],
    status: row.status as Client['status'],
    settings: readSettings(row.type as Client['type'], row.settings),
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}
