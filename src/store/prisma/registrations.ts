import type { Client } from '../../clients/client.ts';
import type { NewClient } from '../../clients/store.ts';
import { BY_SYSTEM, type By } from '../../lib/by.ts';
import type { Issued, RegistrationStore } from '../../registration/store.ts';
import { OPENLY } from '../../registration/token.ts';
import { applyChange, type ChangeDeps, NothingDone, orFalse } from './change.ts';
import { endingAccess, insertClient, insertSecret } from './client-rows.ts';
import { toClient } from './clients.ts';
import type { Database, Transaction } from './database.ts';
import { usableAt } from './registration-tokens.ts';

type Deps = Omit<ChangeDeps, 'prisma'> & { database: Database };

export function prismaRegistrations({ database, clock, auditRow }: Deps): RegistrationStore {
  const { prisma, exclusively } = database;
  const deps = { prisma, clock, auditRow };

  async function insert(
    tx: Transaction,
    client: NewClient,
    { secretHash, accessTokenHash }: Issued,
    registrationTokenId: string | null,
    by: By,
  ): Promise<void> {
    const at = new Date(clock());
    const registeredBy = registrationTokenId ?? OPENLY;
    await insertClient(tx, client, secretHash, at, { registeredBy, registrationTokenHash: accessTokenHash });
    const { id: clientId, type } = client;
    const event = { event: 'client.registered', clientId, type, registrationTokenId } as const;
    await tx.auditEvent.create({ data: auditRow(event, by, at) });
  }

  /** Nobody ever allowed them anything, so there is nothing to end. What an operator has taken over stays. */
  async function removeUnused(tx: Transaction, since: Date): Promise<void> {
    const stale = await tx.client.findMany({ where: { ...UNUSED, updatedAt: { lt: since } }, select: { id: true } });
    const at = new Date(clock());
    for (const { id } of stale) {
      await tx.client.delete({ where: { id } });
      const event = { event: 'client.deleted', clientId: id } as const;
      await tx.auditEvent.create({ data: auditRow(event, BY_SYSTEM, at) });
    }
  }

  return {
    async registerByToken(client, issued, tokenId, by) {
      const done = prisma.$transaction(async (tx) => {
        const { count } = await tx.registrationToken.updateMany({
          where: { id: tokenId, ...usableAt(new Date(clock())) },
          data: { usesLeft: { decrement: 1 } },
        });
        if (count === 0) throw new NothingDone();
        await insert(tx, client, issued, tokenId, by);
        return true;
      });
      return (await orFalse(done)) ? 'registered' : 'spent';
    },
    registerOpenly: (client, issued, { mostUnused, unusedSince }, by) =>
      // One at a time: no row could be locked that is not there yet, and many at once would all count too few.
      exclusively('registration/open', async (tx) => {
        await removeUnused(tx, new Date(unusedSince));
        if ((await tx.client.count({ where: UNUSED })) >= mostUnused) return 'full';
        await insert(tx, client, issued, null, by);
        return 'registered';
      }),
    async managed(id, registrationTokenHash) {
      const at = new Date(clock());
      const row = await prisma.client.findFirst({
        where: { id, registrationTokenHash, status: 'active' },
        include: { secrets: { where: { OR: [{ expiresAt: null }, { expiresAt: { gt: at } }] } } },
      });
      const client = toClient(row);
      return client && { client, secretHashes: row?.secrets.map(({ secretHash }) => secretHash) ?? [] };
    },
    replace(before, registrationTokenHash, change, by) {
      const { id } = before;
      const { name, settings, secretHash, accessTokenHash, dropsSecrets, asksAgain } = change;
      return applyChange(deps, {
        write: (tx, stamp) =>
          tx.client.updateMany({
            where: { ...asRead(before), registrationTokenHash },
            data: { name, settings: JSON.stringify(settings), registrationTokenHash: accessTokenHash, ...stamp },
          }),
        ...{ event: { event: 'client.self_updated', clientId: id, asksAgain }, by },
        ...(asksAgain && { ending: endingAccess(id) }),
        async also(tx, at) {
          if (asksAgain) await tx.consent.deleteMany({ where: { clientId: id } });
          if (dropsSecrets) await tx.clientSecret.deleteMany({ where: { clientId: id } });
          if (secretHash !== null) await insertSecret(tx, id, secretHash, at);
        },
      });
    },
    delete: (id, registrationTokenHash, by) =>
      applyChange(deps, {
        write: (tx) =>
          tx.client.updateMany({
            where: { id, registrationTokenHash, status: 'active' },
            data: { registrationTokenHash: null },
          }),
        ...{ event: { event: 'client.self_deleted', clientId: id }, by },
        ending: endingAccess(id),
        also: (tx) => tx.client.delete({ where: { id } }),
      }),
  };
}

/** Registered by itself without a token, and nobody ever allowed it anything. */
const UNUSED = { registeredBy: OPENLY, registrationTokenHash: { not: null }, allowedAt: null };

/** An operator's change since then must not be lost. */
function asRead({ id, updatedAt }: Client) {
  return { id, status: 'active', updatedAt: new Date(updatedAt) };
}
