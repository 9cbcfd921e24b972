/** What the pages have in common. Strings are plain text: the templates escape them. */

export interface ClientHead {
  name: string;
  /** Where the person will end up, shown beside the name, since a name can be anything. */
  host: string | null;
  /** Shown only when it is a path of ours or a `data:image/` address: the CSP lets no other image in. */
  logoUri: string | null;
}

/** `credentials` marks email and password together, so that nobody learns which of them was wrong. */
export type ProblemField =
  | 'email'
  | 'password'
  | 'new_password'
  | 'code'
  | 'credentials'
  | 'passkey'
  | ('name' | 'given_name' | 'family_name' | 'nickname' | 'locale' | 'zoneinfo');

export type Problem = { field: ProblemField | null; text: string } | null;

/** Something else that a step can be done with, called by the name of its form. */
export interface Alternative {
  form: string;
  href: string;
}

/** What every page may have. */
export interface Page {
  client?: ClientHead | null | undefined;
}

/** A page with a form: `action` is where it posts, `csrf` goes into every form of the page. */
export interface FormPage extends Page {
  action: string;
  csrf: string;
}

/** The tick by which this browser stands in for the second factor from the next sign-in on. */
export interface TrustOffer {
  days: number;
  ticked: boolean;
}

/** Where "Not now" is posted to, and until when that can be said. */
export interface LaterOffer {
  action: string;
  /** ISO 8601 */
  until: string;
}

/** `cancelAction` is posted to, with the same `csrf`; null hides the way back. */
export interface StepPage extends FormPage {
  problem: Problem;
  cancelAction: string | null;
}

/** A page of somebody who is signed in. */
export interface OwnPage extends Page {
  csrf: string;
  accountEmail: string;
  /** Which of the sections it is, by its address. */
  section: string;
}

/** One thing that an application asks for, or may do. */
export interface ConsentItem {
  title: string;
  detail: string | null;
}
