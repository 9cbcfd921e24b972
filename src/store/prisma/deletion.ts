import type { DeletionStore } from '../../accounts/deletion.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Seconds, toMilliseconds } from '../../lib/duration.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { endingOf, forgetBrowsers } from './account-rows.ts';
import type { AuditRow } from './audit-row.ts';
import { erasePersonal } from './audit-sealing.ts';
import { applyChange, type Change, NothingDone, orFalse } from './change.ts';
import type { Database, Transaction } from './database.ts';
import { spendLink, voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';

/** Held while somebody looks whether another administrator is left. */
const ADMINISTRATORS = 'administrators';

export function prismaDeletion({
  database: { prisma, exclusively },
  sealer,
  ...rest
}: {
  database: Database;
  sealer: Sealer;
  clock: Clock;
  auditRow: AuditRow;
}): DeletionStore {
  const { clock, auditRow } = rest;
  const deps = { prisma, ...rest };

  /** The row, and what hangs on it. The letter first, since it goes to the address that stands there. */
  async function remove(tx: Transaction, id: string, at: Date): Promise<void> {
    await queueLetter(tx, sealer, id, { message: 'account-deleted' }, at);
    await tx.account.delete({ where: { id } });
    await erasePersonal(tx, id);
  }

  function leaving(id: string, grace: Seconds, by: By, write: Change['write']): { change: Change; dueAt(): number } {
    let dueAt = 0;
    const change: Change = {
      async write(tx, stamp) {
        dueAt = clock() + toMilliseconds(grace);
        return write(tx, stamp);
      },
      get event() {
        return { event: 'account.deletion_asked', accountId: id, dueAt: new Date(dueAt).toISOString() } as const;
      },
      // Nobody has time to come back: it is disabled no longer than this takes.
      ...(grace === 0 && { news: { event: 'account.deleted', accountId: id } }),
      ...{ by, ending: endingOf(id) },
      async also(tx, at) {
        const due = new Date(dueAt);
        await tx.account.updateMany({ where: { id }, data: { deletionDueAt: due } });
        // What an operator disabled before stays `disabled`, and is no more than kept by the mailed link.
        await tx.account.updateMany({ where: { id, status: 'active' }, data: { status: 'leaving' } });
        await forgetBrowsers(id)(tx);
        const link = { purpose: 'deletion-undo', until: due } as const;
        if (grace > 0) return queueLetter(tx, sealer, id, { message: 'deletion-asked', until: dueAt }, at, link);
        await tx.auditEvent.create({ data: auditRow({ event: 'account.deleted', accountId: id }, by, at) });
        await remove(tx, id, at);
      },
    };
    return { change, dueAt: () => dueAt };
  }

  return {
    async ask({ id, factorsVersion, notBefore }, grace, by) {
      let isLast = false;
      const { change, dueAt } = leaving(id, grace, by, async (tx, stamp) => {
        const asOf = { id, factorsVersion, notBefore: new Date(notBefore), status: 'active' };
        const own = await tx.account.findFirst({ where: asOf, select: { role: true } });
        const others = { role: 'administrator', status: 'active', id: { not: id } };
        isLast = own?.role === 'administrator' && (await tx.account.count({ where: others })) === 0;
        return isLast ? { count: 0 } : tx.account.updateMany({ where: asOf, data: stamp });
      });
      const done = await applyChange({ ...deps, transaction: (work) => exclusively(ADMINISTRATORS, work) }, change);
      if (isLast) return 'last-administrator';
      return done ? { dueAt: grace === 0 ? null : dueAt() } : 'changed';
    },
    order(id, grace, by) {
      const { change } = leaving(id, grace, by, (tx, stamp) =>
        tx.account.updateMany({ where: { id, deletionDueAt: null }, data: stamp }),
      );
      return applyChange(deps, change);
    },
    undo: (id, tokenHash, by) =>
      orFalse(
        applyChange(deps, {
          write: (tx, stamp) =>
            tx.account.updateMany({
              where: { id, deletionDueAt: { gt: stamp.updatedAt } },
              data: { deletionDueAt: null, ...stamp },
            }),
          ...{ event: { event: 'account.deletion_undone', accountId: id }, by },
          async also(tx, at) {
            const spent = await spendLink(tx, { purpose: 'deletion-undo', tokenHash, accountId: id }, at);
            if (!spent) throw new NothingDone();
            await voidLinks(tx, id, ['deletion-undo']);
            // What an operator disabled, before or meanwhile, is `disabled`, and stays so.
            await tx.account.updateMany({ where: { id, status: 'leaving' }, data: { status: 'active' } });
            await queueLetter(tx, sealer, id, { message: 'deletion-undone' }, at);
          },
        }),
      ),
    async due(limit) {
      const where = { deletionDueAt: { lte: new Date(clock()) } };
      const rows = await prisma.account.findMany({
        where,
        orderBy: { deletionDueAt: 'asc' },
        take: limit,
        select: { id: true },
      });
      return rows.map(({ id }) => id);
    },
    carryOut: (id, by) =>
      applyChange(deps, {
        write: (tx, stamp) =>
          tx.account.updateMany({ where: { id, deletionDueAt: { lte: stamp.updatedAt } }, data: stamp }),
        ...{ event: { event: 'account.deleted', accountId: id }, by, ending: endingOf(id) },
        also: (tx, at) => remove(tx, id, at),
      }),
  };
}
