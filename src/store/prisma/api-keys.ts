import type { ApiKey } from '../../api-keys/api-key.ts';
import type { ApiKeyStore } from '../../api-keys/store.ts';
import { revokeApiKeys } from './api-key-rows.ts';
import { applyChange, type ChangeDeps, orFalse } from './change.ts';
import { orNothingDone } from './conflict.ts';
import type { PrismaClient } from './database.ts';

export function prismaApiKeys({ prisma, clock, auditRow }: ChangeDeps): ApiKeyStore {
  const deps = { prisma, clock, auditRow };

  return {
    async find(id) {
      return toApiKey(await prisma.apiKey.findUnique({ where: { id } }));
    },
    async findByHash(keyHash) {
      return toApiKey(await prisma.apiKey.findUnique({ where: { keyHash } }));
    },
    async list({ clientId, apiId } = {}) {
      const where = { ...(clientId !== undefined && { clientId }), ...(apiId !== undefined && { apiId }) };
      const rows = await prisma.apiKey.findMany({ where, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
      return rows.map((row) => toApiKey(row) as ApiKey);
    },
    async create({ permissions, expiresAt, ...key }, keyHash, by) {
      const { id: keyId, clientId, apiId } = key;
      const at = new Date(clock());
      const ends = expiresAt === null ? null : new Date(expiresAt);
      const row = { ...key, keyHash, permissions: JSON.stringify(permissions), createdAt: at, expiresAt: ends };
      const write = prisma.$transaction(async (tx) => {
        await orNothingDone(tx.apiKey.create({ data: row }));
        await tx.auditEvent.create({
          data: auditRow({ event: 'api_key.created', keyId, clientId, api: apiId }, by, at),
        });
        return true;
      });
      return orFalse(write);
    },
    async rotate(id, { id: replacedBy, keyHash, expiresAt }, oldEndsAt, by) {
      const before = await prisma.apiKey.findUnique({ where: { id } });
      if (!before) return false;
      const { name, clientId, apiId, permissions } = before;
      const ends = new Date(Math.min(oldEndsAt, before.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY));
      return applyChange(deps, {
        write: (tx) => {
          const isLive = { OR: [{ expiresAt: null }, { expiresAt: { gt: new Date(clock()) } }] };
          return tx.apiKey.updateMany({
            where: { id, revokedAt: null, replacedBy: null, ...isLive },
            data: { replacedBy, expiresAt: ends },
          });
        },
        event: { event: 'api_key.rotated', keyId: id, clientId, api: apiId, replacedBy, oldEndsAt: ends.toISOString() },
        by,
        also: (tx, createdAt) => {
          const lasting = { keyHash, createdAt, expiresAt: expiresAt === null ? null : new Date(expiresAt) };
          return tx.apiKey.create({ data: { id: replacedBy, name, clientId, apiId, permissions, ...lasting } });
        },
      });
    },
    async revoke(id, by) {
      return prisma.$transaction(async (tx) => (await revokeApiKeys({ tx, auditRow, clock }, { id }, by)) > 0);
    },
    async markUsed(id, at) {
      const lastUsedAt = new Date(at);
      const isLater = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: lastUsedAt } }] };
      await prisma.apiKey.updateMany({ where: { id, ...isLater }, data: { lastUsedAt } });
    },
  };
}

type ApiKeyRow = NonNullable<Awaited<ReturnType<PrismaClient['apiKey']['findUnique']>>>;

function toApiKey(row: ApiKeyRow | null): ApiKey | null {
  if (!row) return null;
  const { keyHash: _hash, permissions, createdAt, expiresAt, lastUsedAt, revokedAt, ...rest } = row;
  return {
    ...rest,
    permissions: JSON.parse(permissions) as string[],
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    lastUsedAt: lastUsedAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
  };
}
