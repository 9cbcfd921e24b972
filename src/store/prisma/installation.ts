import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { checkStanding } from '../standing.ts';
import type { Database, PrismaClient } from './database.ts';

export interface Identity {
  issuer: string;
  keyringId: string;
}

/** Whether there is data that some keyring belongs to. */
export async function isClaimed(prisma: PrismaClient): Promise<boolean> {
  return (await prisma.installation.count()) > 0;
}

/**
 * Issuer and keyring are recorded at the first start. Another issuer would leave every relying party with tokens and
 * links that fit nothing, another keyring opens nothing that was sealed.
 * @throws {OperatorProblem}
 */
export async function claimInstallation(
  { database: { exclusively }, clock }: { database: Database; clock: Clock },
  { issuer, keyringId }: Identity,
): Promise<void> {
  // Of instances that start together, one finds nothing and the others find what it recorded.
  const known = await exclusively('installation', async (tx) => {
    const data = { id: 1, issuer, rpId: new URL(issuer).hostname, keyringId, createdAt: new Date(clock()) };
    return (await tx.installation.findUnique({ where: { id: 1 } })) ?? (await tx.installation.create({ data }));
  });
  checkIdentity(known, { issuer, keyringId });
  checkStanding(known);
}

/** @throws {OperatorProblem} where the data belongs to another issuer or keyring */
export function checkIdentity(known: Identity, { issuer, keyringId }: Identity): void {
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
