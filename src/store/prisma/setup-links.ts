import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { SetupLinkStore } from '../../setup/store.ts';
import { insertAccount, insertTotp } from './account-rows.ts';
import type { AuditRow } from './audit-row.ts';
import { orConflict } from './conflict.ts';
import type { Database } from './database.ts';

const ADMINISTRATOR = { role: 'administrator' };

/** Of several instances too, one at a time looks for an administrator or another link and then writes. */
const ONE_AT_A_TIME = 'setup';

export function prismaSetupLinks({
  database: { prisma, exclusively },
  sealer,
  clock,
  auditRow,
}: {
  database: Database;
  sealer: Sealer;
  clock: Clock;
  auditRow: AuditRow;
}): SetupLinkStore {
  const now = () => new Date(clock());
  const open = (tokenHash: string) => ({ tokenHash, spentAt: null, expiresAt: { gt: now() } });

  return {
    async replace(tokenHash, expiresAt, by) {
      const at = now();
      await exclusively(ONE_AT_A_TIME, async (tx) => {
        await tx.setupLink.deleteMany({ where: { spentAt: null } });
        await tx.setupLink.create({
          data: { id: newId('stp'), tokenHash, createdAt: at, expiresAt: new Date(expiresAt) },
        });
        await tx.auditEvent.create({ data: auditRow({ event: 'setup_link.made' }, by, at) });
      });
    },
    async isOpen(tokenHash) {
      const link = await prisma.setupLink.findFirst({ where: open(tokenHash), select: { id: true } });
      return link !== null && (await prisma.account.count({ where: ADMINISTRATOR })) === 0;
    },
    async spend(tokenHash, account, totp, by) {
      const at = now();
      const write = exclusively(ONE_AT_A_TIME, async (tx) => {
        if ((await tx.account.count({ where: ADMINISTRATOR })) > 0) return false;
        const { count } = await tx.setupLink.updateMany({ where: open(tokenHash), data: { spentAt: at } });
        if (count === 0) return false;
        await insertAccount({ tx, auditRow }, account, by, at);
        await insertTotp({ tx, auditRow, sealer }, account.id, totp, by, at);
        await tx.auditEvent.create({ data: auditRow({ event: 'setup_link.spent', accountId: account.id }, by, at) });
        return true;
      });
      return orConflict('email', write);
    },
  };
}
