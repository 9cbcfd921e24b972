import type { ListedAccounts, Listing } from '../../authorization/listed-accounts.ts';
import { type ClientType, readSettings } from '../../clients/client.ts';
import { applyChange, type ChangeDeps, orFalse } from './change.ts';
import { orNothingDone } from './conflict.ts';
import type { Transaction } from './database.ts';
import { jobRow } from './outbox.ts';

export function prismaListedAccounts(deps: ChangeDeps): ListedAccounts {
  const { prisma } = deps;
  const order = { createdAt: 'asc' } as const;
  const listing = ({ createdAt, ...row }: { clientId: string; accountId: string; createdAt: Date }): Listing => ({
    ...row,
    since: createdAt.getTime(),
  });

  return {
    async ofClient(clientId) {
      return (await prisma.clientAccount.findMany({ where: { clientId }, orderBy: order })).map(listing);
    },
    async ofAccount(accountId) {
      return (await prisma.clientAccount.findMany({ where: { accountId }, orderBy: order })).map(listing);
    },
    add: (clientId, accountId, by) =>
      orFalse(
        applyChange(deps, {
          write: (tx, { updatedAt: createdAt }) =>
            orNothingDone(tx.clientAccount.create({ data: { clientId, accountId, createdAt } })),
          ...{ event: { event: 'client.account_listed', clientId, accountId }, by },
        }),
      ),
    remove: (clientId, accountId, by) =>
      applyChange(deps, {
        write: (tx) => tx.clientAccount.deleteMany({ where: { clientId, accountId } }),
        ...{ event: { event: 'client.account_unlisted', clientId, accountId }, by },
        async also(tx, at) {
          if (!(await isForThoseListed(tx, clientId))) return;
          const job = { kind: 'end-access', accountId, clientId, before: at.getTime() } as const;
          await tx.outboxMessage.create({ data: jobRow(job, at) });
        },
      }),
  };
}

async function isForThoseListed(tx: Transaction, id: string): Promise<boolean> {
  const client = await tx.client.findUnique({ where: { id }, select: { type: true, settings: true } });
  return client !== null && readSettings(client.type as ClientType, client.settings).accounts === 'listed';
}
