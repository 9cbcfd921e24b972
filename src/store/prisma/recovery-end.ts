import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { AuditRow } from './audit-row.ts';
import type { Transaction } from './database.ts';
import { voidLinks } from './link-rows.ts';

type Because = Extract<AuditEvent, { event: 'account.recovery_stopped' }>['because'];

/** Ends a recovery that waits or is open. The account's row is held by now. False where there is none. */
export async function endRecovery(
  tx: Transaction,
  auditRow: AuditRow,
  { accountId, because, by, at }: { accountId: string; because: Because; by: By; at: Date },
): Promise<boolean> {
  const open = { accountId, purpose: 'account-recovery', spentAt: null, expiresAt: { gt: at } };
  if ((await tx.mailedLink.deleteMany({ where: open })).count === 0) return false;
  await voidLinks(tx, accountId, ['recovery-stop']);
  const event = { event: 'account.recovery_stopped', accountId, because } as const;
  await tx.auditEvent.create({ data: auditRow(event, by, at) });
  return true;
}
