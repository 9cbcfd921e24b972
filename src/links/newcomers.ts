import type { By } from '../lib/by.ts';
import type { Milliseconds, Seconds } from '../lib/duration.ts';

/** Somebody who has no account yet. */
export interface Newcomer {
  /** As it is written: letters go there, and so the account will be called. */
  email: string;
  emailNormalized: string;
}

export interface Invited extends Newcomer {
  name: string | null;
  role: string;
  lifetime: Seconds;
}

/** An invitation that is open. */
export interface Invitation {
  id: string;
  email: string;
  name: string | null;
  role: string;
  /** False: the operator passed the link on, which proves no address. */
  mailed: boolean;
  createdAt: Milliseconds;
  expiresAt: Milliseconds;
}

/**
 * Links by which an account is made. What is known of the newcomer is sealed in the link; it is found by a keyed hash of the
 * address. Every implementation passes test/store/newcomers.contract.ts.
 */
export interface NewcomerLinks {
  /** A link, and the letter that carries it. It ends the one before. */
  signUp(newcomer: Newcomer, language: string, by: By): Promise<void>;
  /** A letter without a link to the owner of an account, where it is active: who is locked out learns no way in by it. */
  tellKnown(accountId: string, language: string, by: By): Promise<void>;
  /** The same as `signUp`, by an operator. */
  invite(invited: Invited, language: string, by: By): Promise<void>;
  /** Without a letter. @returns the token, which is kept nowhere */
  inviteUnsent(invited: Invited, by: By): Promise<string>;
  /** Those that are open, oldest first. */
  invitations(): Promise<Invitation[]>;
  /** False where none is open. @param email normalized */
  revoke(email: string, by: By): Promise<boolean>;
}
