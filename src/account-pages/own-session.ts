import type { Context } from 'koa';
import { type Account, hasSecondFactor } from '../accounts/account.ts';
import { isAtLeast, type Level } from '../assurance/level.ts';
import type { Consent } from '../consents/store.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { ClientHead } from '../web/view-data.ts';

/** How long a proof of who somebody is counts for a change that could lock the owner out. */
const FRESH = toMilliseconds(5 * MINUTE);

/** The session of the browser that asks. */
export interface OwnSession {
  uid: string;
  account: Account;
  level: Level;
  /** The oldest proof that it rests on. */
  provedAt: Milliseconds;
}

/** One of a person's sessions, as that person would know it again. */
export interface KnownSession {
  uid: string;
  browser: string | null;
  system: string | null;
  address: string | null;
  signedInAt: Milliseconds;
  seenAt: Milliseconds;
}

/** What one application was given, in whichever session. */
export interface KnownGrant {
  clientId: string;
  since: Milliseconds;
  consent: Consent;
}

/** All that the pages see of the protocol. Built in src/oidc/own-sessions.ts. */
export interface OwnSessions {
  /** Null where nobody is signed in, or not as strongly as the policy demands. Stores nothing. */
  find(ctx: Context): Promise<OwnSession | null>;
  /**
   * Where the browser goes to sign in; it comes back with `state`.
   * @param fresh whose every proof is asked for again, the second factor too where the account has one
   */
  signInHref(state: string, fresh: OwnSession | null): string;
  /**
   * A new session, with a new id, in place of one that was ended with all others at an instant.
   * @returns false where somebody had ended it before: nobody is signed in
   */
  renew(ctx: Context, session: OwnSession, endedAt: Milliseconds): Promise<boolean>;
  listOf(accountId: string): Promise<KnownSession[]>;
  /** False where the account has no such session. The applications are told. */
  end(accountId: string, uid: string): Promise<boolean>;
}

/** What applications may do. Built in src/oidc/own-access.ts. */
export interface OwnAccess {
  grantsOf(accountId: string): Promise<KnownGrant[]>;
  /** How an application is shown; null where it is gone. */
  application(clientId: string): Promise<ClientHead | null>;
  /** Everything issued to the application for this account. Its sessions there are told to end. */
  end(accountId: string, clientId: string): Promise<void>;
}

/** Proved just now, with the second factor where the account has one, however the session began. */
export function isFresh({ account, level, provedAt }: OwnSession, now: Milliseconds): boolean {
  return now - provedAt < FRESH && (!hasSecondFactor(account) || isAtLeast(level, 'two-factor'));
}
