import type { Sealer } from '../../lib/sealing.ts';
import type { Message } from '../../mail/message.ts';
import type { Transaction } from './database.ts';
import { queueLetter } from './mail.ts';

/**
 * Tells an account's owner what became of it, with the link by which the account is locked: for whoever finds that it
 * was somebody else. What the letter told stays with the link, since the link's page speaks of it.
 */
export const createNotice =
  (sealer: Sealer) =>
  (accountId: string, about: Message) =>
  (tx: Transaction, at: Date): Promise<void> =>
    queueLetter(tx, sealer, accountId, about, at, { purpose: 'account-lock', detail: { about: about.message } });
