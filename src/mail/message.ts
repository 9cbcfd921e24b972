import type { Milliseconds } from '../lib/duration.ts';

/** What people are told by mail: one closed list. What each says stands in views/texts under `mail.`. */
export type Message =
  /** The recovery codes stay where it stands beside another. */
  | { message: 'totp-added'; codesKept?: true }
  | { message: 'totp-removed'; byOperator?: true }
  | { message: 'recovery-codes-replaced' }
  /** By the people who run the server. */
  | { message: 'password-set' }
  /** By its owner, or by whoever had the mailed link. */
  | { message: 'password-changed'; byLink?: true }
  | { message: 'factors-reset' }
  | { message: 'recovery-code-used'; left: number }
  | { message: 'account-disabled' }
  | { message: 'account-enabled' }
  | { message: 'password-reset' }
  /** A sign-in from a browser that was not known, as `By` has it. */
  | { message: 'new-browser'; browser: string | null; address: string | null }
  | { message: 'sign-in-locked' }
  | { message: 'account-locked' }
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
