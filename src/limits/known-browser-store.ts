import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

export interface Alive {
  /** It is dead at so many wrong passwords. */
  mostFailures: number;
  /** It was seen since. */
  since: Milliseconds;
}

/**
 * Disabling an account, deleting it and signing it out everywhere end its browsers, in the same transaction.
 * Every implementation passes test/store/known-browsers.contract.ts.
 */
export interface KnownBrowserStore {
  /** Counts one wrong password. False where it is not alive or not of this account: nothing was counted. */
  take(idHash: string, accountId: string, alive: Alive): Promise<boolean>;
  /** The password was right, or was not checked. */
  giveBack(idHash: string): Promise<void>;
  /** It signed in again. False where it is not alive or not of this account. */
  seen(idHash: string, accountId: string, alive: Alive): Promise<boolean>;
  /**
   * The account keeps the newest `most`. False where it is not active, or was signed out everywhere since `provedAt`:
   * nothing was written. Its owner is told in the same transaction, but of the first browser that ever signed in.
   */
  add(idHash: string, accountId: string, options: { provedAt: Milliseconds; most: number; by: By }): Promise<boolean>;
  /** Their dates, for the owner to see. */
  listOf(accountId: string): Promise<{ createdAt: Milliseconds; lastSeenAt: Milliseconds }[]>;
}
