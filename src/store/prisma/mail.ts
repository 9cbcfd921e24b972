import type { StandardClaims } from '../../accounts/account.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Purpose } from '../../links/link.ts';
import { type Letter, type Message, masked } from '../../mail/message.ts';
import type { MailQueue } from '../../mail/queue.ts';
import { sealLetter } from '../../mail/sealed-letter.ts';
import type { MailJob } from '../../outbox/outbox.ts';
import type { PrismaClient, Transaction } from './database.ts';
import { insertLink } from './link-rows.ts';

/** What stands in the clear beside a sealed letter. */
type Payload = Pick<MailJob, 'message' | 'accountId' | 'to'>;

interface Carried {
  purpose: Purpose;
  detail?: Record<string, string>;
  until?: Date;
  opensAt?: Date;
  /** Of the letter, where its receiver has chosen none. */
  language?: string;
}

/** Whoever is told about an account at another address than the one that it has. */
export interface Elsewhere {
  accountId: string;
  to: string;
}

/**
 * To the address that the account has when it is changed, with the change or not at all.
 * @param link made with it; it is nowhere else
 */
export async function queueLetter(
  tx: Transaction,
  sealer: Sealer,
  whom: string | Elsewhere,
  about: Message,
  at: Date,
  link?: Carried,
): Promise<void> {
  const accountId = typeof whom === 'string' ? whom : whom.accountId;
  const account = await tx.account.findUniqueOrThrow({
    where: { id: accountId },
    select: { email: true, claims: true },
  });
  const to = typeof whom === 'string' ? account.email : whom.to;
  const { name, locale } = JSON.parse(account.claims) as StandardClaims;
  const letter: Letter = {
    ...{ to, name: name ?? null, locale: locale ?? link?.language ?? null },
    ...{ at: at.getTime(), about },
    ...(link && { token: await insertLink(tx, sealer, { ...link, of: { accountId } }, at) }),
  };
  await insertLetter(tx, sealer, letter, accountId, at);
}

/** @param accountId null: its receiver has none */
export async function insertLetter(
  tx: Transaction,
  sealer: Sealer,
  letter: Letter,
  accountId: string | null,
  at: Date,
): Promise<void> {
  const id = newId('msg');
  const payload: Payload = { message: letter.about.message, accountId, to: masked(letter.to) };
  await tx.outboxMessage.create({
    data: {
      ...{ id, kind: 'mail', payload: JSON.stringify(payload), sealedPayload: sealLetter(sealer, id, letter) },
      ...{ createdAt: at, dueAt: at, attempts: 0 },
    },
  });
}

export function prismaMailQueue(prisma: PrismaClient): MailQueue {
  return {
    async list() {
      const rows = await prisma.outboxMessage.findMany({ where: { kind: 'mail' }, orderBy: { createdAt: 'asc' } });
      return rows.map(({ id, payload, createdAt, attempts, dueAt, doneAt, lastError }) => ({
        ...(JSON.parse(payload) as Payload),
        ...{ id, createdAt: createdAt.getTime(), attempts, lastError },
        dueAt: doneAt === null ? dueAt.getTime() : null,
      }));
    },
  };
}
