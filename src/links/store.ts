import type { By } from '../lib/by.ts';
import type { AddressLinks, AskedChange } from './address.ts';
import type { MailedLink, Purpose } from './link.ts';

/** What can be asked for by typing an address alone. */
export type AskedPurpose = Extract<Purpose, 'password-reset' | 'sign-up' | 'email-change' | 'sign-in-unlock'>;

/** An address that somebody typed on a page that answers everybody alike. */
export interface Asked {
  purpose: AskedPurpose;
  /** Normalized. */
  email: string;
  /** Of a sign-up: as it was written, where the letter goes. */
  written?: string;
  /** Of the page (BCP 47): where nobody has chosen another, the letter is in the same language. */
  language: string;
  by: By;
  /** With `email-change`: for whom. */
  change?: AskedChange;
}

export interface LinkLetter {
  /** Those whose letters say nothing else. */
  purpose: 'password-reset' | 'sign-in-unlock';
  /** For who has said nothing else. */
  language: string;
  by: By;
}

/**
 * One-time addresses that go out by mail. A change that a link is for spends it itself, in its own transaction. Every
 * implementation passes test/store/links.contract.ts.
 */
export interface LinkStore extends AddressLinks {
  /**
   * Queues the look for whose address that is, so that the request does the same work and takes the same time whoever
   * it is. What was typed is sealed until then.
   */
  ask(asked: Asked): Promise<void>;
  /** What was asked, out of the queue. @param jobId under which it was sealed */
  asked(jobId: string, sealed: string): Asked;
  /** A link, and the letter to the account's stored address that carries it. False where no such account is active. */
  send(accountId: string, letter: LinkLetter): Promise<boolean>;
  /** Null for what is none, was spent, has run out, or was replaced by a newer one. One that is yet to open is told. */
  open(tokenHash: string): Promise<MailedLink | null>;
}
