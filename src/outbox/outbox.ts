import type { Milliseconds } from '../lib/duration.ts';
import type { AccountNews, SecurityEvent } from './security-event.ts';

/** Work that must happen because something was written, however often the program dies in between. Repeatable. */
export type Job =
  /** Delete what an account had before an instant, and tell the applications it was signed in to. */
  | { kind: 'end-account'; accountId: string; before: Milliseconds; news?: AccountNews }
  /** The person ended what one application may do. */
  | { kind: 'end-access'; accountId: string; clientId: string; before: Milliseconds }
  | { kind: 'end-client'; clientId: string; before: Milliseconds }
  /** Back-Channel Logout 1.0 2.5: one application is told of the end of one session. */
  | { kind: 'backchannel-logout'; clientId: string; accountId: string; sid: string | null }
  /** Something happened to an account that goes on having what it had. */
  | { kind: 'account-news'; accountId: string; news: AccountNews }
  | SecurityEventJob
  | LinkAskedJob
  | MailJob;

/** RFC 8935 2: one application is told of one event. */
export interface SecurityEventJob {
  kind: 'security-event';
  clientId: string;
  accountId: string;
  event: SecurityEvent;
  at: Milliseconds;
  /** The same in all that follows from one change (RFC 8417 2.2). */
  txn: string;
}

/** Table and column of the seal of what a job has in `sealed`. */
export const SEALED_PAYLOAD = 'OutboxMessage.sealedPayload';

/** Somebody typed an address; who that is, and whether anything is sent, is found out here. */
export interface LinkAskedJob {
  kind: 'link-asked';
  /** base64url */
  sealed: string;
}

/** What goes where is sealed under the id of the job; the rest is for the operator, and to tell receivers apart. */
export interface MailJob {
  kind: 'mail';
  message: string;
  accountId: string | null;
  /** The address, masked but for its domain. */
  to: string;
  /** base64url */
  sealed: string;
}

/** For what no change of the same store causes, which writes its own. What is sealed always has such a cause. */
export type NewJob = Exclude<Job, MailJob | LinkAskedJob>;

export interface QueuedJob {
  id: string;
  job: Job;
  attempts: number;
}

/** Trying again would change nothing: the job is given up at once, and nothing else waits because of it. */
export class Hopeless extends Error {
  override name = 'Hopeless';
}

/** A durable queue: what is in it is done at least once. */
export interface Outbox {
  add(job: NewJob): Promise<void>;
  /** Takes what is due, leased until `leaseUntil`: nobody else gets it before. */
  take(limit: number, leaseUntil: Milliseconds): Promise<QueuedJob[]>;
  done(id: string): Promise<void>;
  /** Later. @param error one line without secrets, for the operator */
  retry(id: string, dueAt: Milliseconds, error: string): Promise<void>;
  /** Later, and as if it had not been taken: it was not tried. */
  putBack(id: string, dueAt: Milliseconds): Promise<void>;
  /** Not again: it stays for the operator to see, without what was sealed. */
  giveUp(id: string, error: string): Promise<void>;
}
