import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

export interface Alive {
  /** It is dead at so many wrong passwords. */
  mostFailures: number;
  /** It was seen since. */
  since: Milliseconds;
}

export interface KnownBrowser {
  idHash: string;
  createdAt: Milliseconds;
  lastSeenAt: Milliseconds;
  /** Wrong passwords that are counted against it. */
  failures: number;
  /** Which on which system; null where it did not say. */
  browser: string | null;
  /** Null: it stands in for nothing. */
  trustedUntil: Milliseconds | null;
  /** The account's password and factors at which it was trusted: any change of them ended that. */
  trustedFactors: number | null;
}

export interface NewKnownBrowser {
  /** The oldest of what was proved. */
  provedAt: Milliseconds;
  most: number;
  by: By;
  trust?: {
    until: Milliseconds;
    /** What the account's password and factors were when they were proved. */
    factorsVersion: number;
    /** By which the browser was known before: it is forgotten, since it was seen before there was trust in it. */
    replaces: string | null;
  };
}

/**
 * Disabling an account, deleting it and signing it out everywhere end its browsers, in the same transaction.
 * Every implementation passes test/store/known-browsers.contract.ts and test/store/trusted-browsers.contract.ts.
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
   * nothing was written. Its owner is told in the same transaction, but of the first browser that ever signed in. With
   * `trust` false also where a password or factor changed, or where it is an administrator's; its owner is told always.
   */
  add(idHash: string, accountId: string, browser: NewKnownBrowser): Promise<boolean>;
  /** The oldest first. */
  listOf(accountId: string): Promise<KnownBrowser[]>;
  /** They stay known. False where there is trust in none of them: nothing was written. */
  endTrust(accountId: string, idHashes: readonly string[], by: By): Promise<boolean>;
}
