import { DAY, HOUR, type Seconds } from '../lib/duration.ts';

/** What a mailed link lets its holder do, once: a closed list. Each has a page in src/link-pages. */
export type Purpose = 'password-reset' | 'account-lock' | 'sign-in-unlock';

interface Rule {
  lifetime: Seconds;
  /** A newer one of the same account or address ends those before it. */
  newestOnly: boolean;
}

const RULES: Record<Purpose, Rule> = {
  'password-reset': { lifetime: HOUR, newestOnly: true },
  // In the letter about each thing that happened: a newer one takes nothing from it.
  'account-lock': { lifetime: 7 * DAY, newestOnly: false },
  'sign-in-unlock': { lifetime: HOUR, newestOnly: true },
};

export function ruleOf(purpose: Purpose): Rule {
  return RULES[purpose];
}

/** Whoever opens a link that was spent or has run out is told so for as long; after that it is as if it had never been. */
export const REMEMBERED: Seconds = 30 * DAY;

/** A link that is open. */
export interface MailedLink {
  purpose: Purpose;
  /** Null: there is no account yet. */
  accountId: string | null;
  /** What belongs to the purpose, such as another address. */
  detail: Record<string, string>;
}
