import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { OwnActivity } from '../audit/activity.ts';
import type { Consent, ConsentStore } from '../consents/store.ts';
import type { Milliseconds } from '../lib/duration.ts';

export interface KeptSession {
  browser: string | null;
  system: string | null;
  address: string | null;
  signedInAt: Milliseconds;
  seenAt: Milliseconds;
}

export interface KeptGrant {
  clientId: string;
  since: Milliseconds;
  consent: Consent;
}

export interface KeptBrowser {
  createdAt: Milliseconds;
  lastSeenAt: Milliseconds;
  browser: string | null;
  trustedUntil: Milliseconds | null;
}

/** Wherever something is kept about a person, who has a right to a copy (GDPR Art. 15 and 20). A new such place is a new line. */
export interface KeptData {
  accounts: Pick<AccountStore, 'authenticators' | 'recoveryCodesLeft'>;
  passkeys: Pick<PasskeyStore, 'ofAccount'>;
  sessionsOf(accountId: string): Promise<KeptSession[]>;
  consents: Pick<ConsentStore, 'listOf'>;
  grantsOf(accountId: string): Promise<KeptGrant[]>;
  browsersOf(accountId: string): Promise<KeptBrowser[]>;
  /** That it was given; `api` is the identifier of the API. */
  rolesOf(accountId: string): Promise<{ api: string | null; name: string }[]>;
  /** The applications that are open to those listed, and it is. */
  listingsOf(accountId: string): Promise<{ clientId: string; since: Milliseconds }[]>;
  /** Null where it is gone. */
  applicationName(clientId: string): Promise<string | null>;
  activity: OwnActivity;
}
