import type { NewClient } from '../../clients/store.ts';
import { newId } from '../../lib/ids.ts';
import type { Transaction } from './database.ts';

/** How a client came to be registered, where no operator did it. */
interface SelfRegistered {
  registeredBy: string;
  registrationTokenHash: string;
}

/** @param secretHash null: it has none */
export async function insertClient(
  tx: Transaction,
  client: NewClient,
  secretHash: string | null,
  at: Date,
  selfRegistered: SelfRegistered | null = null,
): Promise<void> {
  // Its own tokens say the second they were made in, which may be the one that it is registered in.
  const notBefore = new Date(at.getTime() - at.getMilliseconds() - 1);
  const { id, name, type, audience, settings } = client;
  await tx.client.create({
    data: {
      ...{ id, name, type, audience, status: 'active', createdAt: at, updatedAt: at, notBefore, ...selfRegistered },
      settings: JSON.stringify(settings),
    },
  });
  if (secretHash !== null) await insertSecret(tx, id, secretHash, at);
}

export async function insertSecret(tx: Transaction, clientId: string, secretHash: string, at: Date): Promise<void> {
  await tx.clientSecret.create({ data: { id: newId('sec'), clientId, secretHash, createdAt: at } });
}

/** Refuses every token issued so far, and has them removed. */
export function endingAccess(id: string) {
  return {
    refuse: (tx: Transaction, before: Date) =>
      tx.client.updateMany({ where: { id, notBefore: { lt: before } }, data: { notBefore: before } }),
    job: (before: number) => ({ kind: 'end-client', clientId: id, before }) as const,
  };
}
