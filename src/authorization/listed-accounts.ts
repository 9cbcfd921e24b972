import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

/** An account that may use an application which is not open to everybody. */
export interface Listing {
  clientId: string;
  accountId: string;
  since: Milliseconds;
}

/**
 * Who may use which application. A list counts only where the application is registered as open to those listed, and then
 * at every look. Changes are written in one transaction with their audit event.
 */
export interface ListedAccounts {
  ofClient(clientId: string): Promise<Listing[]>;
  ofAccount(accountId: string): Promise<Listing[]>;
  /** False where it was listed already, or where there is no such account or client (any more). */
  add(clientId: string, accountId: string, by: By): Promise<boolean>;
  /** Where the list counts, all that the application holds for the account ends with it. False where it was not listed. */
  remove(clientId: string, accountId: string, by: By): Promise<boolean>;
}
