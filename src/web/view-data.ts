/** What each page is given. Strings are plain text: the templates escape them. */

export interface ClientHead {
  name: string;
  /** Where the person will end up, shown beside the name, since a name can be anything. */
  host: string | null;
  /** Shown only when it is a path of ours or a `data:image/` address: the CSP lets no other image in. */
  logoUri: string | null;
}

/** `credentials` marks email and password together, so that nobody learns which of them was wrong. */
export type ProblemField = 'email' | 'password' | 'code' | 'credentials';

export type Problem = { field: ProblemField | null; text: string } | null;

interface Page {
  client?: ClientHead | null | undefined;
}

/** A page with a form: `action` is where it posts, `csrf` goes into every form of the page. */
interface FormPage extends Page {
  action: string;
  csrf: string;
}

/** `cancelAction` is posted to, with the same `csrf`; null hides the way back. */
interface StepPage extends FormPage {
  problem: Problem;
  cancelAction: string | null;
}

export interface HomeView extends Page {
  issuer: string;
  discoveryHref: string;
}

export interface SignInView extends StepPage {
  email: string;
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
}

export interface RecoveryCodesView extends FormPage {
  codes: string[];
}

export interface RecoveryCodesLeftView extends FormPage {
  left: number;
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

export interface ViewData {
  home: HomeView;
  'sign-in': SignInView;
  totp: TotpView;
  'recovery-code': RecoveryCodeView;
  'totp-enrolment': TotpEnrolmentView;
  'recovery-codes': RecoveryCodesView;
  'recovery-codes-left': RecoveryCodesLeftView;
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
  totp: 0,
  'recovery-code': 0,
  'totp-enrolment': 0,
  'recovery-codes': 0,
  'recovery-codes-left': 0,
  consent: 0,
  continue: 0,
  'sign-out': 0,
  'signed-out': 0,
  error: 0,
  'setup-account': 0,
  'setup-done': 0,
} satisfies Record<ViewName, 0>) as ViewName[];
