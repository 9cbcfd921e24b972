import { DAY, type Milliseconds, toMilliseconds } from '../lib/duration.ts';

/** A wait that grows grows no longer than this. */
export const LONGEST_WAIT: Milliseconds = toMilliseconds(DAY);

/** How long a row of failures is remembered: strikes, and failures in a row. */
export const ROW_MEMORY: Milliseconds = toMilliseconds(90 * DAY);

/** The end of a block that only an operator lifts. */
export const UNTIL_LIFTED: Milliseconds = Number.MAX_SAFE_INTEGER;

export interface AttemptRule {
  /** Attempts in one window before the wait begins. */
  limit: number;
  window: Milliseconds;
  /** Whether the wait, at first as long as the window, doubles each time it is earned, up to a day. */
  waitGrows: boolean;
  /** Failures in a row, over any time, after which only an operator lifts the block (NIST SP 800-63B-4 3.2.2). */
  maxConsecutive: number | null;
}

export interface Block {
  /** When the next attempt may be made. */
  until: Milliseconds;
  /** It began with this attempt; all others until its end were refused because of it. */
  begins: boolean;
}

export interface Blocked {
  subject: string;
  until: Milliseconds;
}

/** Every implementation passes test/store/attempts.contract.ts. */
export interface AttemptStore {
  /**
   * Counts one attempt before it is checked. Atomic: of any number of racers, no more than `limit` pass in a window.
   * @returns null when the attempt may be made
   */
  take(subject: string, rule: AttemptRule, now: Milliseconds): Promise<Block | null>;
  /** Gives back the one attempt that succeeded, and ends the row of failures. */
  refund(subject: string): Promise<void>;
  /** Takes back the count of one attempt that was never checked. What others earned stays: blocks, waits, the row. */
  withdraw(subject: string): Promise<void>;
  /**
   * Ends a wait that would end by itself, and begins a new window. The row stays, with how long the next wait is, and so
   * does a block that only an operator lifts.
   */
  endWait(subject: string): Promise<void>;
  /** Forgets all that was counted of a subject. */
  clear(subject: string): Promise<void>;
  /** The same for every subject in which this stands. Looks at all of them: for operators. */
  clearNaming(part: string): Promise<void>;
  /** The same for every subject that must wait. @returns how many there were */
  clearBlocked(now: Milliseconds): Promise<number>;
  /** Who must wait, the longest wait first. */
  blocked(now: Milliseconds): Promise<Blocked[]>;
}
