import type { By } from '../lib/by.ts';
import { DAY, type Milliseconds, type Seconds } from '../lib/duration.ts';
import type { AsOf } from './account.ts';

/**
 * A passkey enters an account by itself. So whoever finds that somebody else was in an account removes, with all else,
 * the passkeys that were added so long before they were told of it, or since.
 */
export const YOUNG_PASSKEY: Seconds = 7 * DAY;

/** What the authenticator said of itself when it was registered. */
export interface RegisteredPasskey {
  /** Base64url. */
  credentialId: string;
  /** COSE_Key, base64url. */
  publicKey: string;
  counter: number;
  /** How the browser can reach it, such as `internal`, `hybrid`, `usb`. */
  transports: string[];
  /** Make and model, or the provider that keeps it; all zeros where nothing is said. */
  aaguid: string;
  /** It may be copied to other devices of its owner (backup eligible). */
  synced: boolean;
  /** It was copied when it was seen last (backup state). */
  backedUp: boolean;
}

export interface Passkey extends RegisteredPasskey {
  id: string;
  accountId: string;
  name: string;
  createdAt: Milliseconds;
  lastUsedAt: Milliseconds | null;
}

export interface NewPasskey extends RegisteredPasskey {
  id: string;
  name: string;
  /** A set that replaces the one before; null leaves that as it is. */
  recoveryCodeHashes: string[] | null;
}

/**
 * Changes are written in one transaction with their audit event and the letter that tells the owner. Every
 * implementation passes test/store/passkeys.contract.ts.
 */
export interface PasskeyStore {
  /** Oldest first. */
  ofAccount(accountId: string): Promise<Passkey[]>;
  findByCredential(credentialId: string): Promise<Passkey | null>;
  /**
   * False where a password or factor changed, or the account was signed out, since it was looked at: nothing was written.
   * @throws {Conflict} when the credential is registered already, for whomever
   */
  enrol(asOf: AsOf, passkey: NewPasskey, by: By): Promise<boolean>;
  /**
   * Takes the counter of a signature that was verified. False where it has not grown, unless both values are zero
   * (WebAuthn Level 3, 7.2 step 22): true for one of those that race with the same value.
   * @param accepted whatever the value is, it is taken
   */
  use(id: string, signed: { counter: number; backedUp: boolean; accepted: boolean }): Promise<boolean>;
  /** Writes down, and tells its owner, that a counter has not grown. False where the passkey is gone: that is why. */
  refuseCounter(passkey: Pick<Passkey, 'id' | 'accountId'>, clientId: string, by: By): Promise<boolean>;
  /** False where the account has no such passkey; so it is for the next. */
  rename(accountId: string, id: string, name: string, by: By): Promise<boolean>;
  /** With the last second factor go the recovery codes. False also when a password or factor changed. */
  remove(asOf: AsOf, id: string, by: By): Promise<boolean>;
  /** By an operator, whatever changed meanwhile: every session and grant ends. */
  removeByOperator(accountId: string, id: string, by: By): Promise<boolean>;
}
