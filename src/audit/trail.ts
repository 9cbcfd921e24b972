import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Entry, Link, Recorded, SignedHead } from './chain.ts';

/** Who was there, as far as it is known. */
export interface Personal {
  address: string | null;
  browser: string | null;
}

/** `lost`: the key that they are sealed under is gone. `changed`: they are not what was recorded. */
export type PersonalState = 'none' | 'intact' | 'erased' | 'changed' | 'lost';

export type Read = { personal: Personal | null; personalState: PersonalState };

/** An event with what is known of its visitor. The three of its place are null until it is sealed. */
export type TrailEvent = Recorded & { [Field in keyof Link]: Link[Field] | null } & Read;

export type SealedEntry = Entry & Read;

export interface TrailFilter {
  /** Whoever did it, or to whom it was done. */
  accountId?: string;
  clientId?: string;
  event?: string;
  since?: Milliseconds;
  until?: Milliseconds;
}

export interface Pending {
  count: number;
  /** When the oldest event was recorded that has no place in the chain yet; null where there is none. */
  oldest: Milliseconds | null;
}

/** For what reason entries are cut off: they are as old as that, and whoever wants them gone. */
export interface Pruning {
  through: number;
  before: Milliseconds;
  by: By;
}

/** What was recorded, and its chain. Every implementation passes test/store/audit-trail.contract.ts. */
export interface AuditTrail {
  /**
   * Chains up to so many events that are not yet. Of several callers, in whichever instance, one at a time.
   * @returns how many it were, and the head after them; null where there was nothing to do
   */
  seal(limit: number): Promise<{ count: number; head: SignedHead } | null>;
  pending(): Promise<Pending>;
  /** What was cut off the beginning, as it stands there; null: nothing was. */
  anchor(): Promise<SignedHead | null>;
  /** How many entries the chain has. */
  length(): Promise<number>;
  /** Entries of the chain by their number. */
  after(sequence: number, limit: number, filter?: TrailFilter): Promise<SealedEntry[]>;
  /** The latest events, sealed or not, the latest first. */
  latest(limit: number, filter?: TrailFilter): Promise<TrailEvent[]>;
  /** Those of these accounts that were deleted, by the word of the trail, or were before it was cut. */
  erasable(accountIds: readonly string[]): Promise<Set<string>>;
  /** The last entry of the beginning that is older than an instant; null where there is none. */
  lastBefore(before: Milliseconds): Promise<number | null>;
  /**
   * Cuts off the entries up to one, and signs the anchor that takes their place.
   * @param recorded for the first cut of several: what is recorded of them
   * @returns false where another was faster
   */
  cut(from: number, last: Pick<Link, 'sequence' | 'mac'>, recorded?: Pruning): Promise<boolean>;
}
