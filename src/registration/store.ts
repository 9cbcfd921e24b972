import type { Client } from '../clients/client.ts';
import type { NewClient } from '../clients/store.ts';
import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { RegistrationPolicy } from './policy.ts';
import type { RegistrationToken } from './token.ts';

export type NewRegistrationToken = Pick<RegistrationToken, 'id' | 'name' | 'policy' | 'expiresAt' | 'usesLeft'>;

/** Only hashes of tokens get here. Changes are written in one transaction with their audit event. */
export interface RegistrationTokenStore {
  create(token: NewRegistrationToken, tokenHash: string, by: By): Promise<void>;
  /** All there ever were, the oldest first. */
  list(): Promise<RegistrationToken[]>;
  /** False where there is none, or it was revoked before. */
  revoke(id: string, by: By): Promise<boolean>;
  /** Null where it may not be used: unknown, revoked, expired or spent. */
  usable(tokenHash: string): Promise<RegistrationToken | null>;
  /** What applies to the clients of a token, whatever has become of it. */
  policyOf(id: string): Promise<RegistrationPolicy | null>;
}

/** Of what a registration is written with. */
export interface Issued {
  /** Null: it has no secret, or keeps the one it has. */
  secretHash: string | null;
  accessTokenHash: string;
}

export interface RegistrationStore {
  /** Spends one use of the token with it. `spent`: there was none left. */
  registerByToken(client: NewClient, issued: Issued, tokenId: string, by: By): Promise<'registered' | 'spent'>;
  /**
   * Removes those before it that nobody has used since `unusedSince`. `full`: as many as `mostUnused` are left that
   * nobody has used.
   */
  registerOpenly(
    client: NewClient,
    issued: Issued,
    limits: { mostUnused: number; unusedSince: Milliseconds },
    by: By,
  ): Promise<'registered' | 'full'>;
  /** The client that this token manages. Null for any other, and while it is disabled. */
  managed(clientId: string, accessTokenHash: string): Promise<ManagedClient | null>;
  /**
   * Spends the registration access token and puts another in its place.
   * @param before as it was read: false where anything of it has changed since
   */
  replace(before: Client, accessTokenHash: string, change: Replacement, by: By): Promise<boolean>;
  /** With all that was issued to it. */
  delete(clientId: string, accessTokenHash: string, by: By): Promise<boolean>;
}

export interface ManagedClient {
  client: Client;
  secretHashes: string[];
}

export interface Replacement extends Issued, Pick<Client, 'name' | 'settings'> {
  /** It proves itself without one from now on. */
  dropsSecrets: boolean;
  /** What people allowed, and all that was issued, was for something else. */
  asksAgain: boolean;
}
