import { DAY, HOUR, type Milliseconds, type Seconds } from '../lib/duration.ts';

/** What a mailed link lets its holder do, once: a closed list. Each has a page in src/link-pages. */
export type Purpose =
  | 'password-reset'
  /** Proves the address that it went to. */
  | 'email-verification'
  /** Went to an address that the account is to have. */
  | 'email-change'
  /** Went to an address that the account had: puts it back. */
  | 'email-undo'
  /** Whoever deletes an account keeps it after all. */
  | 'deletion-undo'
  /** Whoever was told of what they did not do themselves. */
  | 'account-lock'
  /** Ends the wait that others' guesses caused. */
  | 'sign-in-unlock'
  /** Started by an operator for somebody who has lost everything; it waits before it opens. */
  | 'account-recovery'
  /** Whoever was told of that, and has lost nothing. */
  | 'recovery-stop'
  | NewcomerPurpose;

/** By which whoever reads mail at an address makes an account of it. */
export type NewcomerPurpose = 'sign-up' | 'invitation';

interface Rule {
  /** Null: whoever makes one says until when. */
  lifetime: Seconds | null;
  /** A newer one of the same account or address ends those before it. */
  newestOnly: boolean;
}

const RULES: Record<Purpose, Rule> = {
  'password-reset': { lifetime: HOUR, newestOnly: true },
  'deletion-undo': { lifetime: null, newestOnly: true },
  'sign-up': { lifetime: DAY, newestOnly: true },
  invitation: { lifetime: 7 * DAY, newestOnly: true },
  'email-verification': { lifetime: DAY, newestOnly: true },
  'email-change': { lifetime: HOUR, newestOnly: true },
  // Whoever takes an account over may change its address again and again: none of that ends the owner's.
  'email-undo': { lifetime: 7 * DAY, newestOnly: false },
  // In the letter about each thing that happened: a newer one takes nothing from it.
  'account-lock': { lifetime: 7 * DAY, newestOnly: false },
  'sign-in-unlock': { lifetime: HOUR, newestOnly: true },
  'account-recovery': { lifetime: null, newestOnly: true },
  // One to each of the owner's addresses.
  'recovery-stop': { lifetime: null, newestOnly: false },
};

export function ruleOf(purpose: Purpose): Rule {
  return RULES[purpose];
}

/** Whoever opens a link that was spent or has run out is told so for as long; after that it is as if it had never been. */
export const REMEMBERED: Seconds = 30 * DAY;

/** A link that is open, or will be. */
export interface MailedLink {
  purpose: Purpose;
  /** It does nothing before this instant. Null: it is good at once. */
  opensAt: Milliseconds | null;
  /** Null: there is no account yet. */
  accountId: string | null;
  /** What belongs to the purpose, such as another address. */
  detail: Record<string, string>;
}
