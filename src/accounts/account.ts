import type { Level } from '../assurance/level.ts';
import type { Milliseconds } from '../lib/duration.ts';

export type Role = 'user' | 'administrator';
/** `disabled` by an operator; `leaving` at its owner's wish, until it is deleted. Only an active one is let in. */
export type AccountStatus = 'active' | 'disabled' | 'leaving';

/** OpenID Connect Core 5.1 without what the account itself says (sub, email, email_verified, updated_at). */
export interface StandardClaims {
  name?: string;
  given_name?: string;
  family_name?: string;
  middle_name?: string;
  nickname?: string;
  preferred_username?: string;
  profile?: string;
  picture?: string;
  website?: string;
  gender?: string;
  birthdate?: string;
  zoneinfo?: string;
  locale?: string;
  phone_number?: string;
  phone_number_verified?: boolean;
  address?: {
    formatted?: string;
    street_address?: string;
    locality?: string;
    region?: string;
    postal_code?: string;
    country?: string;
  };
}

export interface Account {
  id: string;
  /** As its owner writes it: mail goes here, never to what somebody typed. */
  email: string;
  emailVerified: boolean;
  role: Role;
  status: AccountStatus;
  passwordHash: string | null;
  claims: StandardClaims;
  /** Raised by every change of password or factor: what was begun before such a change does not complete. */
  factorsVersion: number;
  hasTotp: boolean;
  hasPasskey: boolean;
  /** The next sign-in asks for a new password before it is done. */
  mustChangePassword: boolean;
  /** Its owner wished so: it is deleted at this instant, whether or not an operator has disabled it since. Null: it stays. */
  deletionDueAt: Milliseconds | null;
  /** By its operator or by a recovery, beside what the policy demands. Null: nothing. */
  demandedLevel: Level | null;
  /** Until this instant it may lack a factor that the policy demands. Null: nobody has been asked for one yet. */
  enrolmentDueAt: Milliseconds | null;
  /** What was made at this instant or before is refused: it was signed out, disabled, or its password changed. */
  notBefore: Milliseconds;
  createdAt: Milliseconds;
  updatedAt: Milliseconds;
}

/** An account as it was when somebody looked: what changed since makes a change that rests on the look void. */
export type AsOf = Pick<Account, 'id' | 'factorsVersion' | 'notBefore'>;

/** Then nobody enters it by a password alone. */
export function hasSecondFactor({ hasTotp, hasPasskey }: Pick<Account, 'hasTotp' | 'hasPasskey'>): boolean {
  return hasTotp || hasPasskey;
}

/**
 * The form under which an address is unique: NFKC, lower case, no surrounding space. Two spellings that people take
 * for the same address must not open two accounts.
 */
export function normalizeEmail(email: string): string {
  // Lower case may come apart into a letter and its mark (of U+03AA U+0301, say), which NFKC puts together again.
  return email.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
}

/** RFC 5321 4.5.3.1 limits the whole to 254 octets; the rest is for its owner's mail server to judge. */
export function isEmail(text: string): boolean {
  return Buffer.byteLength(text) <= 254 && /^[^\s@"<>()]{1,64}@[^\s@"<>()]+\.?[^\s@"<>().]+$/u.test(text);
}
