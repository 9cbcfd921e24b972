import { readPolicy } from '../../registration/policy.ts';
import type { RegistrationTokenStore } from '../../registration/store.ts';
import type { RegistrationToken } from '../../registration/token.ts';
import { applyChange, type ChangeDeps } from './change.ts';
import type { PrismaClient } from './database.ts';

export function prismaRegistrationTokens({ prisma, clock, auditRow }: ChangeDeps): RegistrationTokenStore {
  return {
    async create({ id, name, policy, expiresAt, usesLeft }, tokenHash, by) {
      const at = new Date(clock());
      await prisma.$transaction(async (tx) => {
        const data = { id, name, tokenHash, usesLeft, policy: JSON.stringify(policy), createdAt: at };
        await tx.registrationToken.create({ data: { ...data, expiresAt: new Date(expiresAt) } });
        const event = { event: 'registration.token_created', registrationTokenId: id, name } as const;
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
      });
    },
    async list() {
      return (await prisma.registrationToken.findMany({ orderBy: { createdAt: 'asc' } })).map(toToken);
    },
    async revoke(id, by) {
      const found = await prisma.registrationToken.findUnique({ where: { id }, select: { name: true } });
      if (!found) return false;
      const event = { event: 'registration.token_revoked', registrationTokenId: id, name: found.name } as const;
      return applyChange(
        { prisma, clock, auditRow },
        {
          write: (tx, { updatedAt }) =>
            tx.registrationToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: updatedAt } }),
          ...{ event, by },
        },
      );
    },
    async usable(tokenHash) {
      const where = { tokenHash, ...usableAt(new Date(clock())) };
      const row = await prisma.registrationToken.findFirst({ where });
      return row && toToken(row);
    },
    async policyOf(id) {
      const row = await prisma.registrationToken.findUnique({ where: { id }, select: { policy: true } });
      return row && readPolicy(row.policy);
    },
  };
}

/** What a registration token must be, asked again by whoever spends it. */
export function usableAt(at: Date) {
  return { revokedAt: null, expiresAt: { gt: at }, OR: [{ usesLeft: null }, { usesLeft: { gt: 0 } }] };
}

type TokenRow = NonNullable<Awaited<ReturnType<PrismaClient['registrationToken']['findUnique']>>>;

function toToken({ id, name, policy, usesLeft, createdAt, expiresAt, revokedAt }: TokenRow): RegistrationToken {
  return {
    ...{ id, name, usesLeft, policy: readPolicy(policy) },
    ...{ createdAt: createdAt.getTime(), expiresAt: expiresAt.getTime(), revokedAt: revokedAt?.getTime() ?? null },
  };
}
