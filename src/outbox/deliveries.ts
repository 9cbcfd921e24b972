import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Job } from './outbox.ts';

/** A message for an application which it has not taken. */
export interface Delivery {
  id: string;
  message: Extract<Job['kind'], 'backchannel-logout' | 'security-event'>;
  clientId: string;
  /** Whose session ended, or to whom something happened. */
  accountId: string;
  createdAt: Milliseconds;
  attempts: number;
  /** When it is tried next; null: never, it was given up. */
  dueAt: Milliseconds | null;
  lastError: string | null;
}

/** Some of them, or all for one application. */
export type Chosen = { ids: readonly string[] } | { clientId: string };

/** What the operator sees of the queue, and does about it. */
export interface Deliveries {
  /** Oldest first. */
  list(): Promise<Delivery[]>;
  /** What was given up is tried at once, and as often as if it were new. @returns how many it were */
  retry(chosen: Chosen, by: By): Promise<number>;
  /** Given up or not, the application is never told. @returns how many it were */
  drop(chosen: Chosen, by: By): Promise<number>;
}
