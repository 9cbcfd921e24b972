import type { Sealer } from '../../lib/sealing.ts';
import type { Message } from '../../mail/message.ts';
import type { Transaction } from './database.ts';
import { queueLetter } from './mail.ts';

/**
 * Tells an account's owner what became of it, with the link by which the account is locked: for whoever finds that it
 * was somebody else. What the letter told stays with the link, since the link's page speaks of it, and where it went,
 * since whoever is told may have lost the address by the time that they lock the account.
 */
export const createNotice =
  (sealer: Sealer) =>
  (accountId: string, about: Message) =>
  async (tx: Transaction, at: Date): Promise<void> => {
    const { email } = await tx.account.findUniqueOrThrow({ where: { id: accountId }, select: { email: true } });
    const detail = { about: about.message, email };
    await queueLetter(tx, sealer, accountId, about, at, { purpose: 'account-lock', detail });
  };
