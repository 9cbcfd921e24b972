import { normalizeEmail } from '../../accounts/account.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Transaction } from './database.ts';
import { endLaterLinks, linkIn } from './link-rows.ts';

/**
 * Where an account has another address than a letter went to, and that mailbox holds a link that puts it back: does so.
 * Otherwise whoever changed the address would get what opens the account that its owner has just locked.
 */
export async function putBackWhere(
  tx: Transaction,
  sealer: Sealer,
  { accountId, went }: { accountId: string; went: string },
  at: Date,
): Promise<boolean> {
  const emailNormalized = normalizeEmail(went);
  const holders = await tx.account.findMany({ where: { OR: [{ id: accountId }, { emailNormalized }] } });
  if (holders.some((holder) => holder.emailNormalized === emailNormalized)) return false;
  const rows = await tx.mailedLink.findMany({
    where: { accountId, purpose: 'email-undo', spentAt: null, expiresAt: { gt: at } },
    orderBy: { createdAt: 'asc' },
  });
  const undo = rows
    .map((row) => ({ ...linkIn(sealer, row), id: row.id, createdAt: row.createdAt }))
    .find(({ detail }) => normalizeEmail(detail['email'] ?? '') === emailNormalized);
  const email = undo?.detail['email'];
  if (!undo || email === undefined) return false;
  await tx.account.update({ where: { id: accountId }, data: { email, emailNormalized, emailVerified: true } });
  await endLaterLinks(tx, sealer, undo);
  return true;
}
