import type { Milliseconds } from '../lib/duration.ts';

/** What people are told by mail: one closed list. What each says stands in views/texts under `mail.`. */
export type Message =
  /** The recovery codes stay where it stands beside another. */
  | { message: 'passkey-added'; codesKept?: true }
  | { message: 'passkey-removed'; byOperator?: true }
  | { message: 'passkey-counter' }
  | { message: 'totp-added'; codesKept?: true }
  | { message: 'totp-removed'; byOperator?: true }
  | { message: 'recovery-codes-replaced' }
  /** By the people who run the server. */
  | { message: 'password-set' }
  | { message: 'password-change-required' }
  /** What they must do: sign in again, there alone or everywhere, or choose a new password too. */
  | { message: 'incident'; must: 'password' | 'sign-in' | 'sign-in-there'; passkeysRemoved?: number }
  /** By its owner, or by whoever had the mailed link. */
  | { message: 'password-changed'; byLink?: true }
  | { message: 'password-removed' }
  | { message: 'factors-reset' }
  | { message: 'recovery-code-used'; left: number }
  | { message: 'account-disabled' }
  | { message: 'account-enabled' }
  | { message: 'password-reset' }
  | { message: 'deletion-asked'; until: Milliseconds }
  | { message: 'deletion-undone' }
  | { message: 'account-deleted' }
  | { message: 'sign-up' }
  /** Somebody asked for an account at an address that has one. */
  | { message: 'sign-up-known' }
  | { message: 'invitation'; until: Milliseconds }
  | { message: 'email-verification' }
  /** To the address that an account is to have. */
  | { message: 'email-change' }
  /** To the address that it has, which may be lost by it. */
  | { message: 'email-change-asked' }
  /** To the address that it had. */
  | { message: 'email-changed' }
  /** To the address that it has by now. */
  | { message: 'email-new' }
  | { message: 'email-undone'; passkeysRemoved?: number }
  /** To whoever has an address that somebody else wanted. */
  | { message: 'email-taken' }
  /** By an operator, to both addresses. */
  | { message: 'email-set' }
  /** A sign-in from a browser that was not known, as `By` has it. */
  | { message: 'new-browser'; browser: string | null; address: string | null }
  /** From now on it stands in for the second factor. */
  | { message: 'browser-trusted'; browser: string | null; address: string | null; until: Milliseconds }
  | { message: 'sign-in-locked' }
  | { message: 'account-locked' }
  /** Started by an operator; what is mailed is the link, beside this. */
  | { message: 'account-recovery'; from: Milliseconds; until: Milliseconds; mailed?: true }
  | { message: 'account-recovery-link'; from: Milliseconds; until: Milliseconds }
  | { message: 'account-recovered' }
  | { message: 'account-locked'; passkeysRemoved?: number }
  /** An operator wants to see whether mail arrives. */
  | { message: 'test' };

/** A message on its way to one person. */
export interface Letter {
  /** As it is stored, never as somebody typed it. */
  to: string;
  /** Claims of the account: what to call the person, and in which language (BCP 47). */
  name: string | null;
  locale: string | null;
  /** When it happened: the letter may be late. */
  at: Milliseconds;
  about: Message;
  /** Of the link that it carries. */
  token?: string;
}

/** For everybody but the receiver: the domain says which server is slow, and one letter tells two people apart. */
export function masked(address: string): string {
  const at = address.lastIndexOf('@');
  const [first = ''] = address;
  return `${at > 1 ? first : ''}***${address.slice(at)}`;
}
