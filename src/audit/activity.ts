import type { Milliseconds } from '../lib/duration.ts';
import type { Outcome } from './audit.ts';

/** Something that happened to an account, as its owner may see it. */
export interface OwnEvent {
  id: string;
  at: Milliseconds;
  event: string;
  outcome: Outcome;
  /** `self` is the owner; `visitor` somebody who was not signed in; `others` whoever runs this server, or the server itself. */
  by: 'self' | 'visitor' | 'others';
  /** Of an attempt: what was tried. */
  factor: string | null;
  /**
   * Only of what the owner did, or somebody who had not signed in and gave this account's name. Of the second this is
   * just what the owner needs to see: who is at the door. Who runs this server is a person too, whose are their own.
   */
  address: string | null;
  browser: string | null;
  clientId: string | null;
  /** What that application is called; null where it is gone, or in no table. */
  application: string | null;
}

/** A place between two events: those before it come next. */
export type Place = Pick<OwnEvent, 'at' | 'id'>;

/** The trail of one account, read by its owner. Every implementation passes test/store/activity.contract.ts. */
export interface OwnActivity {
  /** The latest first, in a number of statements that does not grow with `limit`. */
  page(accountId: string, limit: number, before: Place | null): Promise<OwnEvent[]>;
}
