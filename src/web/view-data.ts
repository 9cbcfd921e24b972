import type { AccountViews } from './account-views.ts';
import type { FormPage, Page, Problem, StepPage } from './view-parts.ts';

export type { ClientHead, Problem } from './view-parts.ts';

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
}

export interface SignUpView extends FormPage {
  email: string;
  /** Whose addresses may; empty: all. */
  domains: string;
  backHref: string;
  problem: Problem;
}

export interface NewAccountView extends FormPage {
  accountEmail: string;
  name: string;
  minLength: number;
  problem: Problem;
}

export interface ForgottenPasswordView extends FormPage {
  email: string;
  backHref: string;
  problem: Problem;
}

export interface PasswordResetView extends FormPage {
  accountEmail: string;
  minLength: number;
  problem: Problem;
}

/** A link that does nothing yet. */
export interface RecoveryWaitView extends Page {
  accountEmail: string;
  /** ISO 8601 */
  opensAt: string;
  until: string;
}

export interface DeletionUndoView extends FormPage {
  accountEmail: string;
  /** ISO 8601 */
  dueAt: string;
}

/** What a mailed link would do, before it does. */
export interface LinkQuestionView extends FormPage {
  title: string;
  paragraphs: string[];
  submit: string;
}

/** Something that was done, or is to be done elsewhere, in words. */
export interface NoticeView extends Page {
  title: string;
  paragraphs: string[];
  /** A page of ours to go on at. */
  next: { href: string; label: string } | null;
}

export interface TotpView extends StepPage {
  accountEmail: string;
  recoveryHref: string | null;
}

export interface RecoveryCodeView extends StepPage {
  accountEmail: string;
  totpHref: string | null;
}

export interface TotpEnrolmentView extends StepPage {
  accountEmail: string;
  /** The name under which authenticator apps will list this account. */
  issuerName: string;
  /** Markup of our own QR encoder, printed as it is. Never anything a person or a client supplied. */
  qrSvg: string;
  /** Base32 in groups of four. */
  key: string;
  otpauthUri: string;
  /** Who asks for it: the operator's policy, this application, the person, or the first set-up. */
  reason: 'policy' | 'client' | 'chosen' | 'setup';
  /** A page of ours to go back to instead. */
  backHref?: string | null | undefined;
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

export interface ConsentItem {
  title: string;
  detail: string | null;
}

export interface ConsentView extends FormPage {
  accountEmail: string;
  /** Posted to by "Not you?"; null hides it. */
  switchAction: string | null;
  items: ConsentItem[];
  terms: { policyUri: string | null; tosUri: string | null };
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

export interface ViewData extends AccountViews {
  home: HomeView;
  'sign-in': SignInView;
  'forgotten-password': ForgottenPasswordView;
  'password-reset': PasswordResetView;
  'account-recovery': PasswordResetView;
  'recovery-wait': RecoveryWaitView;
  'deletion-undo': DeletionUndoView;
  'sign-up': SignUpView;
  'new-account': NewAccountView;
  'link-question': LinkQuestionView;
  notice: NoticeView;
  totp: TotpView;
  'recovery-code': RecoveryCodeView;
  'totp-enrolment': TotpEnrolmentView;
  'recovery-codes': RecoveryCodesView;
  'recovery-codes-left': RecoveryCodesLeftView;
  'new-password': NewPasswordView;
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
  home: 0,
  'sign-in': 0,
  'forgotten-password': 0,
  'password-reset': 0,
  'sign-up': 0,
  'new-account': 0,
  'link-question': 0,
  notice: 0,
  totp: 0,
  'recovery-code': 0,
  'totp-enrolment': 0,
  'recovery-codes': 0,
  'recovery-codes-left': 0,
  'new-password': 0,
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
  'account-recovery-codes': 0,
  'account-sessions': 0,
  'account-applications': 0,
  'account-activity': 0,
  'account-export': 0,
  'account-delete': 0,
  'deletion-undo': 0,
  'account-recovery': 0,
  'recovery-wait': 0,
} satisfies Record<ViewName, 0>) as ViewName[];
