import type { AccountViews } from './account-views.ts';
import type { PasskeyEnrolmentView, TotpEnrolmentView } from './enrolment-views.ts';
import { LINK_VIEWS, type LinkViews } from './link-views.ts';
import type { Alternative, ConsentItem, FormPage, Page, Problem, StepPage, TrustOffer } from './view-parts.ts';

export type { Alternative, ClientHead, ConsentItem, LaterOffer, Problem, TrustOffer } from './view-parts.ts';

/** What each page is given. Strings are plain text: the templates escape them. */

export interface HomeView extends Page {
  issuer: string;
  discoveryHref: string;
}

export interface SignInView extends StepPage {
  email: string;
  /** The box "Stay signed in" is ticked. */
  remember: boolean;
  /** Null: nothing is mailed here. */
  forgottenHref: string | null;
  /** Null: nobody creates an account here. */
  signUpHref: string | null;
  /** The form beside that of the password, and what `navigator.credentials.get()` is asked. Null: not offered. */
  passkey: { action: string; options: object } | null;
  alternatives: Alternative[];
}

export interface DeviceCodeView extends FormPage {
  /** What was typed, or came with the address. */
  userCode: string;
  problem: Problem;
}

/** Which device asks, before anybody signs in for it. */
export interface DeviceConfirmView extends FormPage {
  userCode: string;
  browser: string | null;
  system: string | null;
  address: string | null;
  /** ISO 8601 */
  askedAt: string;
  /** Null: nobody is signed in in this browser. */
  accountEmail: string | null;
}

/** Something that was done, or is to be done elsewhere, in words. */
export interface NoticeView extends Page {
  title: string;
  paragraphs: string[];
  /** A page of ours to go on at. */
  next: { href: string; label: string } | null;
  /** Another, for whoever wants to do that besides. */
  also?: { href: string; label: string } | null | undefined;
}

export interface TotpView extends StepPage {
  accountEmail: string;
  alternatives: Alternative[];
  /** Null: no browser is trusted here. */
  trust: TrustOffer | null;
}

/** After a first factor. */
export interface PasskeyView extends StepPage {
  accountEmail: string;
  options: object;
  alternatives: Alternative[];
  trust: TrustOffer | null;
}

export interface RecoveryCodeView extends StepPage {
  accountEmail: string;
  alternatives: Alternative[];
  trust: TrustOffer | null;
}

export interface RecoveryCodesView extends FormPage {
  codes: string[];
}

export interface RecoveryCodesLeftView extends FormPage {
  left: number;
}

export interface NewPasswordView extends StepPage {
  accountEmail: string;
  minLength: number;
}

export interface SelectAccountView extends FormPage {
  /** Who is signed in here. */
  accountEmail: string;
  cancelAction: string | null;
}

export interface NotOpenView extends FormPage {
  /** Who is signed in here. */
  accountEmail: string;
  applicationName: string;
  /** Somebody else can sign in from here. */
  canSwitch: boolean;
  cancelAction: string | null;
}

export interface ConsentView extends FormPage {
  accountEmail: string;
  /** Posted to by "Not you?"; null hides it. */
  switchAction: string | null;
  items: ConsentItem[];
  terms: { policyUri: string | null; tosUri: string | null };
  /** Nobody has checked what it says of itself. */
  selfRegistered: boolean;
}

export interface ContinueView extends Page {
  href: string;
}

export interface SignOutView extends Page {
  /** The library's own `<form id="op.logoutForm">`, printed as it is. */
  form: string;
  accountEmail: string | null;
}

export interface SignedOutView extends Page {
  clientHref: string | null;
}

export interface ErrorView extends Page {
  status: number;
  title: string;
  message: string;
  hint: string | null;
  /** An address of ours to go on at. */
  ownHref?: string | null | undefined;
  requestId: string | null;
  /** ISO 8601, shown as a time of day in UTC. */
  retryAt: string | null;
}

export interface SetupAccountView extends FormPage {
  email: string;
  /** Absent: the page does not ask for a name. */
  name?: string | null | undefined;
  problem: Problem;
  minLength: number;
}

export interface SetupDoneView extends Page {
  email: string;
  nextCommands: string[];
}

export interface ViewData extends AccountViews, LinkViews {
  home: HomeView;
  'sign-in': SignInView;
  'device-code': DeviceCodeView;
  'device-confirm': DeviceConfirmView;
  notice: NoticeView;
  passkey: PasskeyView;
  totp: TotpView;
  'recovery-code': RecoveryCodeView;
  'totp-enrolment': TotpEnrolmentView;
  'passkey-enrolment': PasskeyEnrolmentView;
  'recovery-codes': RecoveryCodesView;
  'recovery-codes-left': RecoveryCodesLeftView;
  'new-password': NewPasswordView;
  'select-account': SelectAccountView;
  'not-open': NotOpenView;
  consent: ConsentView;
  continue: ContinueView;
  'sign-out': SignOutView;
  'signed-out': SignedOutView;
  error: ErrorView;
  'setup-account': SetupAccountView;
  'setup-done': SetupDoneView;
}

export type ViewName = keyof ViewData;

/** Every page there is; the compiler holds it to the map above. */
export const VIEW_NAMES = Object.keys({
  ...LINK_VIEWS,
  home: 0,
  'sign-in': 0,
  'device-code': 0,
  'device-confirm': 0,
  notice: 0,
  passkey: 0,
  totp: 0,
  'recovery-code': 0,
  'totp-enrolment': 0,
  'passkey-enrolment': 0,
  'recovery-codes': 0,
  'recovery-codes-left': 0,
  'new-password': 0,
  'select-account': 0,
  'not-open': 0,
  consent: 0,
  continue: 0,
  'sign-out': 0,
  'signed-out': 0,
  error: 0,
  'setup-account': 0,
  'setup-done': 0,
  account: 0,
  'account-profile': 0,
  'account-password': 0,
  'account-email': 0,
  'account-email-new': 0,
  'account-authenticators': 0,
  'account-passkeys': 0,
  'account-passkey-new': 0,
  'account-recovery-codes': 0,
  'account-sessions': 0,
  'account-applications': 0,
  'account-activity': 0,
  'account-export': 0,
  'account-delete': 0,
} satisfies Record<ViewName, 0>) as ViewName[];
