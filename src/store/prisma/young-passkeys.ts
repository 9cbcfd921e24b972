import { YOUNG_PASSKEY } from '../../accounts/passkey-store.ts';
import type { By } from '../../lib/by.ts';
import { toMilliseconds } from '../../lib/duration.ts';
import { dropIdleCodes } from './account-rows.ts';
import type { AuditRow } from './audit-row.ts';
import type { Transaction } from './database.ts';

interface Removal {
  accountId: string;
  /** When the owner was told of what they did not do, or it was found. */
  toldAt: Date;
}

/**
 * Of an account that somebody else may have been in: the passkeys that were added shortly before its owner was told, or
 * since. Each would open it again, whatever its password. With the last second factor go the recovery codes.
 * @returns how many there were
 */
export async function removeYoungPasskeys(
  { tx, auditRow }: { tx: Transaction; auditRow: AuditRow },
  { accountId, toldAt }: Removal,
  by: By,
  at: Date,
): Promise<number> {
  const createdAt = { gte: new Date(toldAt.getTime() - toMilliseconds(YOUNG_PASSKEY)) };
  const young = await tx.passkey.findMany({ where: { accountId, createdAt }, select: { id: true } });
  if (young.length === 0) return 0;
  await tx.passkey.deleteMany({ where: { id: { in: young.map(({ id }) => id) } } });
  for (const { id } of young) {
    const event = { event: 'passkey.removed', accountId, credentialId: id } as const;
    await tx.auditEvent.create({ data: auditRow(event, by, at) });
  }
  await dropIdleCodes(tx, accountId);
  return young.length;
}
