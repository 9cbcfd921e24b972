import type { Milliseconds } from '../lib/duration.ts';

/** A letter that has not gone out. */
export interface QueuedMail {
  id: string;
  message: string;
  accountId: string | null;
  /** Masked. */
  to: string;
  createdAt: Milliseconds;
  attempts: number;
  /** When it is tried next; null: never, it was given up. */
  dueAt: Milliseconds | null;
  lastError: string | null;
}

/** What the operator sees of the queue. A change queues its letter itself, in its own transaction. */
export interface MailQueue {
  /** Oldest first. */
  list(): Promise<QueuedMail[]>;
}
