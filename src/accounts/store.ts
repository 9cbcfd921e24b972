import type { Level } from '../assurance/level.ts';
import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Account, AsOf, Role, StandardClaims } from './account.ts';
import type { NewPasskey } from './passkey-store.ts';

export type { AsOf };

export interface NewAccount {
  id: string;
  email: string;
  emailVerified: boolean;
  role: Role;
  passwordHash: string | null;
  claims: StandardClaims;
}

export interface TotpCredential {
  id: string;
  accountId: string;
  /** Base32. */
  secret: string;
  /** RFC 6238: the last time step that was used; no code of it or an earlier one is taken again. */
  lastStep: number;
}

export interface NewTotp {
  id: string;
  name: string;
  secret: string;
  /** The step of the code that confirmed it, which is spent by that. */
  confirmedStep: number;
  /** A set that replaces the one before; null leaves that as it is. */
  recoveryCodeHashes: string[] | null;
}

/** An authenticator as its owner sees it. */
export interface Authenticator {
  id: string;
  name: string;
  createdAt: Milliseconds;
}

/**
 * Changes are written in one transaction with their audit event and, where access ends, with the job that cleans up
 * after it, and the letter that tells its owner. What is older than the change is refused from that moment on, whether or not the job has run.
 * Every implementation passes test/store/accounts.contract.ts.
 */
export interface AccountStore {
  find(id: string): Promise<Account | null>;
  /** @param email normalized, see `normalizeEmail` */
  findByEmail(email: string): Promise<Account | null>;
  list(): Promise<Account[]>;
  hasAdministrator(): Promise<boolean>;
  /** @throws {Conflict} when the normalized address is taken. */
  create(account: NewAccount, by: By, totp?: NewTotp): Promise<void>;
  /**
   * A new password ends every session and grant. False where there is no such account.
   * @param mustChange it is good for one sign-in, which asks for another; otherwise nothing asks for one any more
   */
  setPassword(id: string, passwordHash: string, by: By, mustChange?: boolean): Promise<boolean>;
  /**
   * Ends every session and grant; the next sign-in asks for a new password before it is done. False, and nothing
   * written, where there is no such account, it has no password, or that is so already.
   */
  requirePasswordChange(id: string, by: By): Promise<boolean>;
  /** Ids of the accounts of which none is required yet, oldest first. */
  passwordsToKeep(): Promise<string[]>;
  /**
   * Of whoever holds the mailed link that is spent with it; other links of the address end. False where the link is open no
   * more: nothing was written. @throws {Conflict} `email` when the normalized address is taken, `passkey` when that is
   * registered already: nothing was written either.
   */
  createByLink(
    account: NewAccount,
    link: { purpose: 'sign-up' | 'invitation'; tokenHash: string },
    by: By,
    passkey?: NewPasskey,
  ): Promise<boolean>;
  /**
   * The same, by whoever is signed in. Null, and nothing written, where a password or factor changed or the account was
   * signed out or disabled meanwhile. @returns the instant up to which everything has ended
   */
  changePassword(asOf: AsOf, passwordHash: string, by: By): Promise<Milliseconds | null>;
  /**
   * By its owner, who signs in by passkey from then on; sessions stay. False where a password or factor changed or the
   * account was signed out or disabled meanwhile, or it has no passkey: nothing was written.
   */
  removePassword(asOf: AsOf, by: By): Promise<boolean>;
  /**
   * By whoever holds the mailed link that is spent with it. Ends every session and grant, and forgets known browsers;
   * the second factor stays. False where the link is open no more or the account is not active: nothing was written.
   */
  resetPassword(id: string, tokenHash: string, passwordHash: string, by: By): Promise<boolean>;
  /** By whoever holds the link. False where it is open no more, or the account has another address by now. */
  verifyEmail(id: string, tokenHash: string, by: By): Promise<boolean>;
  /**
   * To the address that the link went to. Ends the other links that were mailed to the old one; sessions stay. False
   * where the link is open no more, the account is not as it was, or somebody has the address: nothing was written.
   * @param language of the letter, where its receiver has chosen none
   */
  changeEmail(id: string, tokenHash: string, language: string, by: By): Promise<boolean>;
  /**
   * Back to the address that the link went to, whatever the account has now. Ends every session and grant, makes the
   * password unusable, forgets known browsers and the passkeys that somebody else may have added (`YOUNG_PASSKEY`), ends
   * all that was mailed after the link, and mails a link to set a password. False where the link is open no more or the
   * account is disabled: nothing was written.
   * @throws {Conflict} when another account has the address by now
   */
  undoEmail(id: string, tokenHash: string, language: string, by: By): Promise<boolean>;
  /**
   * By an operator. Ends every link that was mailed for the account; both addresses are told. False where there is no
   * such account. @throws {Conflict} when the normalized address is taken
   */
  setEmail(id: string, email: string, emailVerified: boolean, by: By): Promise<boolean>;
  /**
   * By whoever holds the mailed link that is spent with it: every session and grant ends, known browsers and other open
   * links are void, and there is no password until one is set by the link that goes to the stored address with it. That is
   * the one that the link went to, where the account has been given another since that its owner could undo. The second
   * factor stays, but for passkeys that somebody else may have added (`YOUNG_PASSKEY`). False where the link is open no more or the account is not active: nothing was written.
   */
  lockByLink(id: string, tokenHash: string, by: By): Promise<boolean>;
  /** Spends the link that ends a wait; the wait itself is kept elsewhere. False as above. */
  unlockSignIn(id: string, tokenHash: string, by: By): Promise<boolean>;
  /** Compare-and-set on the hash: a change of password made meanwhile stands. */
  upgradePasswordHash(id: string, from: string, to: string): Promise<boolean>;
  /** @param emailVerified null: as it is */
  setClaims(id: string, claims: StandardClaims, emailVerified: boolean | null, by: By): Promise<boolean>;
  /** What this account must prove, whatever policy and application demand. Null: no more than they do. Nothing ends. */
  setDemandedLevel(id: string, level: Level | null, by: By): Promise<boolean>;
  /** Compare-and-set on the last change of the account. */
  changeProfile(account: Pick<Account, 'id' | 'updatedAt'>, claims: StandardClaims, by: By): Promise<boolean>;
  disable(id: string, by: By): Promise<boolean>;
  enable(id: string, by: By): Promise<boolean>;
  /** Ends every session and grant. */
  signOut(id: string, by: By): Promise<boolean>;
  delete(id: string, by: By): Promise<boolean>;

  totpCredentials(accountId: string): Promise<TotpCredential[]>;
  /** True for exactly one caller per step, however many race; false when the step is not after the last one used. */
  claimTotpStep(credentialId: string, step: number): Promise<boolean>;
  /** False when a password or factor changed since `factorsVersion`: nothing was written. */
  enrolTotp(accountId: string, factorsVersion: number, totp: NewTotp, by: By): Promise<boolean>;
  authenticators(accountId: string): Promise<Authenticator[]>;
  /** False where the account has no such authenticator; so it is for the next. */
  renameTotp(accountId: string, id: string, name: string, by: By): Promise<boolean>;
  /** With the last one go the recovery codes. False also when a password or factor changed: nothing was written. */
  removeTotp(asOf: AsOf, id: string, by: By): Promise<boolean>;
  /** By an operator, whatever changed meanwhile and whether or not the account is active: every session and grant ends. */
  removeAuthenticator(accountId: string, id: string, by: By): Promise<boolean>;
  /**
   * Gives its owner time to add what the policy demands, once for the life of the account. False where that was given
   * before, or the account is not as it was: nothing was written.
   */
  postponeEnrolment(asOf: AsOf, until: Milliseconds, by: By): Promise<boolean>;
  /** False when a password or factor changed: the old codes stand. */
  replaceRecoveryCodes(asOf: AsOf, hashes: string[], by: By): Promise<boolean>;
  /**
   * Removes every second factor and ends every session and grant. As much is demanded again at the next sign-in, and time
   * to do without is not given again.
   * @param options passwordOnly: nothing more is demanded than was; passkeys: whether they are offered here (yes)
   */
  resetFactors(id: string, by: By, options?: { passwordOnly?: boolean; passkeys?: boolean }): Promise<boolean>;
  /** True for exactly one caller per code. @param hashes any of which it may have */
  spendRecoveryCode(accountId: string, hashes: string[], by: By): Promise<boolean>;
  recoveryCodesLeft(accountId: string): Promise<number>;
}
