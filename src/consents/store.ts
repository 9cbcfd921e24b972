import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

/** What a person allowed an application, kept apart from the grants made from it (which die with their session). */
export interface Consent {
  scopes: string[];
  /** Claims asked for one by one (OpenID Connect Core 5.5). */
  claims: string[];
  /** Per API (audience): its scopes. */
  resources: Record<string, string[]>;
}

/** A consent as the person who gave it sees it. */
export interface GivenConsent {
  clientId: string;
  consent: Consent;
  since: Milliseconds;
}

export interface ConsentStore {
  find(accountId: string, clientId: string): Promise<Consent | null>;
  listOf(accountId: string): Promise<GivenConsent[]>;
  /**
   * Takes back all that was allowed, if anything was, and has everything issued to the application ended, however often
   * the program dies in between.
   */
  withdraw(accountId: string, clientId: string, by: By): Promise<void>;
  /** Adds to what was allowed before. */
  give(accountId: string, clientId: string, consent: Consent, by: By): Promise<void>;
}

export function mergeConsents(before: Consent | null, added: Consent): Consent {
  const union = (a: readonly string[] = [], b: readonly string[] = []) => [...new Set([...a, ...b])];
  const audiences = union(Object.keys(before?.resources ?? {}), Object.keys(added.resources));
  return {
    scopes: union(before?.scopes, added.scopes),
    claims: union(before?.claims, added.claims),
    resources: Object.fromEntries(
      audiences.map((audience) => [audience, union(before?.resources[audience], added.resources[audience])]),
    ),
  };
}
