import { createPublicKey } from 'node:crypto';
import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { SigningKeyStore, StoredSigningKey } from '../../signing/store.ts';
import { auditRow } from './audit.ts';
import type { PrismaClient } from './database.ts';

const PRIVATE_KEY = 'SigningKey.sealedPrivateKey';

export function prismaSigningKeys({
  prisma,
  sealer,
  clock,
}: {
  prisma: PrismaClient;
  sealer: Sealer;
  clock: Clock;
}): SigningKeyStore {
  const now = () => new Date(clock());
  const event = (kid: string): AuditEvent => ({ event: 'signing_key.added', kid });

  function row({ kid, privateKey, createdAt, activatesAt }: StoredSigningKey) {
    return {
      kid,
      algorithm: 'RS256',
      publicJwk: JSON.stringify(createPublicKey(privateKey).export({ format: 'jwk' })),
      sealedPrivateKey: sealer.seal(PRIVATE_KEY, kid, privateKey).toString('base64url'),
      createdAt: new Date(createdAt),
      activatesAt: new Date(activatesAt),
    };
  }

  return {
    async list() {
      const rows = await prisma.signingKey.findMany();
      return rows.map(({ kid, sealedPrivateKey, createdAt, activatesAt, revokedAt }) => ({
        kid,
        privateKey: sealer.unseal(PRIVATE_KEY, kid, Buffer.from(sealedPrivateKey, 'base64url')),
        createdAt: createdAt.getTime(),
        activatesAt: activatesAt.getTime(),
        revokedAt: revokedAt?.getTime() ?? null,
      }));
    },
    async add(key, by) {
      await prisma.$transaction([
        prisma.signingKey.create({ data: row(key) }),
        prisma.auditEvent.create({ data: auditRow(event(key.kid), by, now()) }),
      ]);
    },
    async addFirst(key, by) {
      await prisma.$transaction(async (tx) => {
        const usable = await tx.signingKey.count({ where: { revokedAt: null, activatesAt: { lte: now() } } });
        if (usable > 0) return;
        await tx.signingKey.create({ data: row(key) });
        await tx.auditEvent.create({ data: auditRow(event(key.kid), by, now()) });
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
