import { createPublicKey } from 'node:crypto';
import { readSettings } from '../../clients/client.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { SigningAlgorithm } from '../../lib/signing-algorithm.ts';
import type { SigningKeyStore, StoredSigningKey } from '../../signing/store.ts';
import type { AuditRow } from './audit-row.ts';
import type { Database, Transaction } from './database.ts';

export const PRIVATE_KEY = 'SigningKey.sealedPrivateKey';
/** Held by whatever adds a key. */
const LOCK = 'signing-keys';

export function prismaSigningKeys({
  database: { prisma, exclusively },
  sealer,
  clock,
  auditRow,
}: {
  database: Database;
  sealer: Sealer;
  clock: Clock;
  auditRow: AuditRow;
}): SigningKeyStore {
  const now = () => new Date(clock());

  function row({ kid, algorithm, privateKey, createdAt, activatesAt }: StoredSigningKey) {
    return {
      ...{ kid, algorithm },
      publicJwk: JSON.stringify(createPublicKey(privateKey).export({ format: 'jwk' })),
      sealedPrivateKey: sealer.seal(PRIVATE_KEY, kid, privateKey).toString('base64url'),
      createdAt: new Date(createdAt),
      activatesAt: new Date(activatesAt),
    };
  }

  async function insert(tx: Transaction, key: StoredSigningKey, by: By): Promise<void> {
    await tx.signingKey.create({ data: row(key) });
    await tx.auditEvent.create({ data: auditRow({ event: 'signing_key.added', kid: key.kid }, by, now()) });
  }

  return {
    async list() {
      const rows = await prisma.signingKey.findMany();
      return rows.map(({ kid, algorithm, sealedPrivateKey, createdAt, activatesAt, revokedAt }) => ({
        kid,
        algorithm: algorithm as SigningAlgorithm,
        privateKey: sealer.unseal(PRIVATE_KEY, kid, Buffer.from(sealedPrivateKey, 'base64url')),
        createdAt: createdAt.getTime(),
        activatesAt: activatesAt.getTime(),
        revokedAt: revokedAt?.getTime() ?? null,
      }));
    },
    async wanted() {
      const apis = await prisma.client.findMany({
        where: { type: 'resource', status: 'active' },
        select: { settings: true },
      });
      return [...new Set(apis.map(({ settings }) => readSettings('resource', settings).api.signingAlgorithm))];
    },
    async add(key, by) {
      await exclusively(LOCK, (tx) => insert(tx, key, by));
    },
    async addFirst(key, by) {
      await exclusively(LOCK, async (tx) => {
        const { algorithm } = key;
        const usable = await tx.signingKey.count({
          where: { algorithm, revokedAt: null, activatesAt: { lte: now() } },
        });
        if (usable === 0) await insert(tx, key, by);
      });
    },
    async addSuccessor(key, predecessor, by) {
      return exclusively(LOCK, async (tx) => {
        const youngest = await tx.signingKey.findFirst({
          where: { algorithm: key.algorithm, revokedAt: null },
          orderBy: [{ activatesAt: 'desc' }, { createdAt: 'desc' }],
          select: { kid: true },
        });
        if (youngest?.kid !== predecessor) return false;
        await insert(tx, key, by);
        return true;
      });
    },
    async revoke(kid, by: By) {
      return prisma.$transaction(async (tx) => {
        const { count } = await tx.signingKey.updateMany({
          where: { kid, revokedAt: null },
          data: { revokedAt: now() },
        });
        if (count === 0) return false;
        await tx.auditEvent.create({ data: auditRow({ event: 'signing_key.revoked', kid }, by, now()) });
        return true;
      });
    },
  };
}
