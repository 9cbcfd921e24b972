import type { Passkey, PasskeyStore } from '../../accounts/passkey-store.ts';
import type { AsOf } from '../../accounts/store.ts';
import { deletePasskey, holdAccount, insertPasskey } from './account-rows.ts';
import { applyChange, type Change, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import { orConflict } from './conflict.ts';
import type { PrismaClient } from './database.ts';
import { removeFactor } from './factor-removal.ts';
import { createNotice } from './notice.ts';

export function prismaPasskeys(deps: SealedChangeDeps): PasskeyStore {
  const { prisma } = deps;
  const notice = createNotice(deps.sealer);

  /** A change of factors, which is void where the account is not as it was. */
  const changeFactors = ({ id, factorsVersion, notBefore }: AsOf, what: Omit<Change, 'write'>) =>
    orFalse(
      applyChange(deps, {
        ...what,
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: { id, factorsVersion, notBefore: new Date(notBefore), status: 'active' },
            data: { factorsVersion: { increment: 1 }, ...stamp },
          }),
      }),
    );

  return {
    async ofAccount(accountId) {
      const rows = await prisma.passkey.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
      return rows.map(toPasskey);
    },
    async findByCredential(credentialId) {
      const row = await prisma.passkey.findUnique({ where: { credentialId } });
      return row && toPasskey(row);
    },
    enrol: (asOf, passkey, by) =>
      orConflict(
        'passkey',
        changeFactors(asOf, {
          ...{ event: { event: 'passkey.enrolled', accountId: asOf.id, credentialId: passkey.id }, by },
          async also(tx, at) {
            await insertPasskey(tx, asOf.id, passkey, at);
            const codesKept = passkey.recoveryCodeHashes === null;
            await notice(asOf.id, { message: 'passkey-added', ...(codesKept && { codesKept }) })(tx, at);
          },
        }),
      ),
    async use(id, { counter, backedUp, accepted }) {
      const grown = { OR: [{ counter: { lt: counter } }, ...(counter === 0 ? [{ counter: 0 }] : [])] };
      const { count } = await prisma.passkey.updateMany({
        where: { id, ...(accepted ? {} : grown) },
        data: { counter, backedUp, lastUsedAt: new Date(deps.clock()) },
      });
      return count === 1;
    },
    refuseCounter: ({ id, accountId }, clientId, by) =>
      applyChange(deps, {
        write: async (tx) => ({
          count: (await holdAccount(tx, accountId)) ? await tx.passkey.count({ where: { id, accountId } }) : 0,
        }),
        ...{ event: { event: 'passkey.counter_refused', accountId, clientId, credentialId: id }, by },
        also: notice(accountId, { message: 'passkey-counter' }),
      }),
    rename: (accountId, id, name, by) =>
      applyChange(deps, {
        write: (tx) => tx.passkey.updateMany({ where: { id, accountId }, data: { name } }),
        ...{ event: { event: 'passkey.renamed', accountId, credentialId: id }, by },
      }),
    remove: (asOf, id, by) =>
      changeFactors(asOf, {
        ...{ event: { event: 'passkey.removed', accountId: asOf.id, credentialId: id }, by },
        async also(tx, at) {
          if (!(await deletePasskey(tx, asOf.id, id))) throw new NothingDone();
          await notice(asOf.id, { message: 'passkey-removed' })(tx, at);
        },
      }),
    removeByOperator: removeFactor(deps, {
      event: 'passkey.removed',
      message: 'passkey-removed',
      remove: deletePasskey,
    }),
  };
}

type PasskeyRow = NonNullable<Awaited<ReturnType<PrismaClient['passkey']['findUnique']>>>;

function toPasskey({ counter, transports, createdAt, lastUsedAt, ...row }: PasskeyRow): Passkey {
  return {
    ...row,
    counter: Number(counter),
    transports: JSON.parse(transports) as string[],
    createdAt: createdAt.getTime(),
    lastUsedAt: lastUsedAt?.getTime() ?? null,
  };
}
