import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import type { PrismaClient } from './database.ts';

export interface Identity {
  issuer: string;
  keyringId: string;
}

/**
 * Issuer and keyring are recorded at the first start. Another issuer would leave every relying party with tokens and
 * links that fit nothing, another keyring opens nothing that was sealed.
 * @throws {OperatorProblem}
 */
export async function claimInstallation(
  { prisma, clock }: { prisma: PrismaClient; clock: Clock },
  { issuer, keyringId }: Identity,
): Promise<void> {
  const known = await prisma.installation.upsert({
    where: { id: 1 },
    create: { id: 1, issuer, rpId: new URL(issuer).hostname, keyringId, createdAt: new Date(clock()) },
    update: {},
  });
  if (known.keyringId !== keyringId) {
    throw new OperatorProblem(
      `this database was sealed with keyring ${known.keyringId}, but KEYS_DIR holds keyring ${keyringId}: put the right keyring.json back, or point DATA_DIR at the database that belongs to this one`,
    );
  }
  if (known.issuer !== issuer) {
    throw new OperatorProblem(
      `this database belongs to the issuer ${known.issuer}, but ISSUER is ${issuer}: set ISSUER back, or point DATA_DIR at an empty folder for a new installation`,
    );
  }
}
