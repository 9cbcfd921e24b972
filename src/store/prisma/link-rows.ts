import { type Milliseconds, toMilliseconds } from '../../lib/duration.ts';
import { sha256 } from '../../lib/hash.ts';
import { newId, newSecret } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { type MailedLink, type Purpose, REMEMBERED, ruleOf } from '../../links/link.ts';
import type { PrismaClient, Transaction } from './database.ts';

/** Table and column of the seal. */
export const LINK_DETAIL = 'MailedLink.sealedDetail';

export interface NewLink {
  purpose: Purpose;
  /** Whose it is: an account's, or that of an address that has none (keyed hash). */
  of: { accountId: string } | { emailHash: string };
  detail?: Record<string, string>;
  /** Instead of the purpose's lifetime. */
  until?: Date;
  /** It does nothing before. */
  opensAt?: Date;
}

/** @returns the token, which is stored nowhere: it goes into a sealed letter, or it is lost */
export async function insertLink(
  tx: Transaction,
  sealer: Sealer,
  { purpose, of, detail, until, opensAt }: NewLink,
  at: Date,
): Promise<string> {
  const { lifetime, newestOnly } = ruleOf(purpose);
  if (newestOnly) await tx.mailedLink.deleteMany({ where: { purpose, ...of, spentAt: null } });
  const [id, token] = [newId('lnk'), newSecret('gwl')];
  const sealedDetail = detail ? sealer.seal(LINK_DETAIL, id, JSON.stringify(detail)).toString('base64url') : null;
  const expiresAt = until ?? new Date(at.getTime() + toMilliseconds(lifetime ?? 0));
  await tx.mailedLink.create({
    data: {
      ...{ id, purpose, ...of, tokenHash: sha256(token), sealedDetail },
      ...{ createdAt: at, expiresAt, opensAt: opensAt ?? null },
    },
  });
  return token;
}

/**
 * False where somebody else spent it, or it is not open, yet or any more. The account's row comes first in every transaction that
 * touches both, so that no two wait for each other.
 */
export async function spendLink(
  tx: Transaction,
  { purpose, tokenHash, accountId }: { purpose: Purpose; tokenHash: string; accountId: string | null },
  at: Date,
): Promise<boolean> {
  const isOpen = { expiresAt: { gt: at }, OR: [{ opensAt: null }, { opensAt: { lte: at } }] };
  const where = { purpose, tokenHash, accountId, spentAt: null, ...isOpen };
  return (await tx.mailedLink.updateMany({ where, data: { spentAt: at } })).count === 1;
}

const SWEPT_AT_ONCE = 100;

/**
 * Deletes a batch of what need not be remembered any more. Row by row, each by itself: whoever holds one link and waits
 * for the next, or an account and waits for links of others, waits in a circle with those who do the same.
 * @returns how many went
 */
export async function sweepLinks(prisma: PrismaClient, before: Milliseconds): Promise<number> {
  const old = new Date(before - toMilliseconds(REMEMBERED));
  const where = { expiresAt: { lt: old } };
  const rows = await prisma.mailedLink.findMany({ where, take: SWEPT_AT_ONCE, select: { id: true } });
  for (const { id } of rows) await prisma.mailedLink.deleteMany({ where: { id } });
  return rows.length;
}

/** What was mailed before a change of password or address opens nothing after it. */
export const voidLinks = (tx: Transaction, accountId: string, purposes: readonly Purpose[]) =>
  tx.mailedLink.deleteMany({ where: { accountId, purpose: { in: [...purposes] }, spentAt: null } });

type LinkRow = NonNullable<Awaited<ReturnType<PrismaClient['mailedLink']['findFirst']>>>;

export function linkIn(sealer: Sealer, { id, purpose, accountId, sealedDetail, opensAt }: LinkRow): MailedLink {
  const detail = sealedDetail && sealer.unseal(LINK_DETAIL, id, Buffer.from(sealedDetail, 'base64url'));
  const known = { purpose: purpose as Purpose, accountId, opensAt: opensAt?.getTime() ?? null };
  return { ...known, detail: detail ? JSON.parse(detail) : {} };
}

/** One that is open, with its place in the order of links. What it says does not change; whether it is spent may. */
export interface OpenLink extends MailedLink {
  id: string;
  createdAt: Date;
}

export async function findLink(
  prisma: PrismaClient,
  sealer: Sealer,
  { purpose, tokenHash, accountId }: { purpose: Purpose; tokenHash: string; accountId: string },
  at: Date,
): Promise<OpenLink | null> {
  const row = await prisma.mailedLink.findFirst({
    where: { purpose, tokenHash, accountId, spentAt: null, expiresAt: { gt: at } },
  });
  return row && { ...linkIn(sealer, row), id: row.id, createdAt: row.createdAt };
}

/**
 * After an address was put back: whoever changed it may have had links mailed since, to undo among them. What stays
 * undoes too: the links from before, and those that lead to the same address.
 */
export async function endLaterLinks(
  tx: Transaction,
  sealer: Sealer,
  { id, purpose, accountId, createdAt, detail }: OpenLink,
): Promise<void> {
  const open = await tx.mailedLink.findMany({ where: { accountId, id: { not: id }, spentAt: null } });
  const ended = open.filter(
    (row) =>
      row.purpose !== purpose ||
      (row.createdAt >= createdAt && linkIn(sealer, row).detail['email'] !== detail['email']),
  );
  await tx.mailedLink.deleteMany({ where: { id: { in: ended.map((row) => row.id) } } });
}
