import type { FormPage, Page, Problem } from './view-parts.ts';

/** What the pages of mailed links are given, and those on which one is asked for. */
export interface LinkViews {
  'sign-up': SignUpView;
  'new-account': NewAccountView;
  'new-account-passkey': NewAccountPasskeyView;
  'new-account-codes': NewAccountCodesView;
  'forgotten-password': ForgottenPasswordView;
  'password-reset': PasswordResetView;
  'account-recovery': PasswordResetView;
  'recovery-wait': RecoveryWaitView;
  'deletion-undo': DeletionUndoView;
  'link-question': LinkQuestionView;
}

interface SignUpView extends FormPage {
  email: string;
  /** Whose addresses may; empty: all. */
  domains: string;
  backHref: string;
  problem: Problem;
}

interface NewAccountView extends FormPage {
  accountEmail: string;
  name: string;
  minLength: number;
  /** Null: passkeys are not offered. */
  passkeyHref: string | null;
  problem: Problem;
}

interface NewAccountPasskeyView extends FormPage {
  accountEmail: string;
  name: string;
  /** The one that the account will have. */
  accountId: string;
  /** Of `navigator.credentials.create()`. */
  options: object;
  passwordHref: string;
  problem: Problem;
}

interface NewAccountCodesView extends Page {
  accountEmail: string;
  codes: string[];
  next: { href: string; label: string };
}

interface ForgottenPasswordView extends FormPage {
  email: string;
  backHref: string;
  problem: Problem;
}

interface PasswordResetView extends FormPage {
  accountEmail: string;
  minLength: number;
  problem: Problem;
}

/** A link that does nothing yet. */
interface RecoveryWaitView extends Page {
  accountEmail: string;
  /** ISO 8601 */
  opensAt: string;
  until: string;
}

interface DeletionUndoView extends FormPage {
  accountEmail: string;
  /** ISO 8601 */
  dueAt: string;
}

/** What a mailed link would do, before it does. */
interface LinkQuestionView extends FormPage {
  title: string;
  paragraphs: string[];
  submit: string;
}

/** Their names; the compiler holds this to the map above. */
export const LINK_VIEWS = {
  'sign-up': 0,
  'new-account': 0,
  'new-account-passkey': 0,
  'new-account-codes': 0,
  'forgotten-password': 0,
  'password-reset': 0,
  'account-recovery': 0,
  'recovery-wait': 0,
  'deletion-undo': 0,
  'link-question': 0,
} satisfies Record<keyof LinkViews, 0>;
