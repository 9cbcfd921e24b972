import type { ClientHead, ConsentItem, OwnPage, Problem } from './view-parts.ts';

/** Instants are ISO 8601. */
export interface AccountView extends OwnPage {
  name: string | null;
  emailVerified: boolean;
  hasPassword: boolean;
  passkeys: number;
  authenticators: number;
  recoveryCodes: number;
  /** So few that the person is warned. */
  fewCodes: boolean;
  sessions: number;
  /** What was done on the page before. */
  notice: string | null;
}

export interface AccountProfileView extends OwnPage {
  action: string;
  profile: Record<'name' | 'given_name' | 'family_name' | 'nickname' | 'locale' | 'zoneinfo', string>;
  problem: Problem;
}

export interface AccountPasswordView extends OwnPage {
  action: string;
  /** Otherwise one is set for the first time, or again. */
  hasPassword: boolean;
  /** Where there is a passkey to sign in with instead. */
  mayRemove: boolean;
  minLength: number;
  problem: Problem;
}

export interface AccountEmailView extends OwnPage {
  action: string;
  emailVerified: boolean;
  /** Letters can be sent. */
  mail: boolean;
  problem: Problem;
}

export interface AccountEmailNewView extends OwnPage {
  action: string;
  /** As it was typed. */
  email: string;
  problem: Problem;
}

export interface AccountAuthenticatorsView extends OwnPage {
  authenticators: { id: string; name: string; addedAt: string }[];
  mayRemove: boolean;
}

export interface AccountPasskeysView extends OwnPage {
  passkeys: {
    id: string;
    name: string;
    /** Make and model, or the provider; null: it does not say. */
    model: string | null;
    synced: boolean;
    addedAt: string;
    usedAt: string | null;
  }[];
  /** Why none can be removed. */
  kept: 'last-way-in' | 'demanded' | null;
  /** They are taken here. */
  offered: boolean;
  mayAdd: boolean;
}

export interface AccountPasskeyNewView extends OwnPage {
  action: string;
  /** For the browser's own call. */
  options: object;
  /** As it was typed. */
  name: string;
  problem: Problem;
}

export interface AccountRecoveryCodesView extends OwnPage {
  left: number;
  /** There is a second factor that they stand in for. */
  guarded: boolean;
}

export interface AccountSessionsView extends OwnPage {
  sessions: {
    uid: string;
    browser: string | null;
    system: string | null;
    address: string | null;
    signedInAt: string;
    seenAt: string;
    isThis: boolean;
  }[];
  /** They stand in for the second factor. */
  trusted: {
    id: string;
    browser: string | null;
    system: string | null;
    since: string;
    until: string;
    isThis: boolean;
  }[];
}

export interface AccountApplicationsView extends OwnPage {
  applications: (ClientHead & { clientId: string; since: string; may: ConsentItem[] })[];
}

export interface AccountActivityView extends OwnPage {
  events: {
    what: string;
    at: string;
    /** Null: it was done. */
    outcome: string | null;
    by: 'self' | 'visitor' | 'others';
    factor: string | null;
    browser: string | null;
    system: string | null;
    address: string | null;
    application: string | null;
  }[];
  isFirst: boolean;
  olderHref: string | null;
}

export interface AccountExportView extends OwnPage {
  action: string;
  problem: Problem;
}

export interface AccountDeleteView extends OwnPage {
  action: string;
  /** Until it is deleted; 0: at once. */
  days: number;
  mail: boolean;
  problem: Problem;
}

/** By the names of their templates. */
export interface AccountViews {
  account: AccountView;
  'account-profile': AccountProfileView;
  'account-password': AccountPasswordView;
  'account-email': AccountEmailView;
  'account-email-new': AccountEmailNewView;
  'account-authenticators': AccountAuthenticatorsView;
  'account-passkeys': AccountPasskeysView;
  'account-passkey-new': AccountPasskeyNewView;
  'account-recovery-codes': AccountRecoveryCodesView;
  'account-sessions': AccountSessionsView;
  'account-applications': AccountApplicationsView;
  'account-activity': AccountActivityView;
  'account-export': AccountExportView;
  'account-delete': AccountDeleteView;
}
