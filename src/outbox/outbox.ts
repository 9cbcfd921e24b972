import type { Milliseconds } from '../lib/duration.ts';

/** Work that must happen because something was written, however often the program dies in between. Repeatable. */
export type Job =
  /** Delete what an account had before an instant, and tell the applications it was signed in to. */
  | { kind: 'end-account'; accountId: string; before: Milliseconds }
  /** The person ended what one application may do. */
  | { kind: 'end-access'; accountId: string; clientId: string; before: Milliseconds }
  | { kind: 'end-client'; clientId: string; before: Milliseconds }
  /** Back-Channel Logout 1.0 2.5: one application is told of the end of one session. */
  | { kind: 'backchannel-logout'; clientId: string; accountId: string; sid: string | null };

export interface QueuedJob {
  id: string;
  job: Job;
  attempts: number;
}

/** A durable queue: what is in it is done at least once. */
export interface Outbox {
  add(job: Job): Promise<void>;
  /** Takes what is due, leased until `leaseUntil`: nobody else gets it before. */
  take(limit: number, leaseUntil: Milliseconds): Promise<QueuedJob[]>;
  done(id: string): Promise<void>;
  /** Later. @param error one line without secrets, for the operator */
  retry(id: string, dueAt: Milliseconds, error: string): Promise<void>;
  /** Not again: it stays for the operator to see. */
  giveUp(id: string, error: string): Promise<void>;
}
