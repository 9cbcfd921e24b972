import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { AccountEnding, ClientEnding, EndedAccount, EndedClient, Scope } from './incident.ts';

export interface OpenIncident {
  id: string;
  openedAt: Milliseconds;
}

/**
 * The audit trail is the journal: what it says was ended in an incident is not ended in it again, so that whoever signed in
 * since stays signed in. Every implementation passes test/store/incidents.contract.ts.
 */
export interface IncidentStore {
  /** One that was opened for the same since an instant, and is not done. */
  unfinished(match: string, since: Milliseconds): Promise<OpenIncident | null>;
  /** @param match equal for equal commands */
  open(id: string, scope: Scope, match: string, by: By): Promise<OpenIncident>;
  /**
   * Ends every session and token of an account. In one transaction with its events, its job and its letter.
   * @returns false where there is no such account, or this incident has ended it
   */
  endAccount(incident: OpenIncident, ending: AccountEnding, by: By): Promise<boolean>;
  /**
   * Refuses every token of a client. The rows stay, for `tellOf` to be complete, until `clear`.
   * @returns false where there is no such client, or this incident has ended it and no secret is asked for
   */
  endClient(incident: OpenIncident, ending: ClientEnding, by: By): Promise<boolean>;
  /** A person's sign-in at one client has ended: the client is told, and so is the person. False where that was so. */
  tellOf(
    incident: OpenIncident,
    clientId: string,
    sids: (string | null)[],
    told: AccountEnding,
    by: By,
  ): Promise<boolean>;
  /** Has the rows of what was refused removed. */
  clear(clientId: string): Promise<void>;
  ended(incident: OpenIncident): Promise<{ accounts: EndedAccount[]; clients: EndedClient[] }>;
  /** How many jobs of each kind were queued since an instant, and are not done. */
  pending(since: Milliseconds, about: string | null): Promise<Record<string, number>>;
  done(id: string, scope: Scope, by: By): Promise<void>;
}
