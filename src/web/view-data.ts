/** What each page is given. Strings are plain text: the templates escape them. */

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
  | ('name' | 'given_name' | 'family_name' | 'nickname' | 'locale' | 'zoneinfo');

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
  /** The box "Stay signed in" is ticked. */
  remember: boolean;
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

/** A page of somebody who is signed in. */
interface OwnPage extends Page {
  csrf: string;
  accountEmail: string;
  /** Which of the sections it is, by its address. */
  section: string;
}

/** Instants are ISO 8601. */
export interface AccountView extends OwnPage {
  name: string | null;
  emailVerified: boolean;
  authenticators: number;
  recoveryCodes: number;
  sessions: number;
  /** What was done on the page before. */
  notice: string | null;
}

export interface AccountProfileView extends OwnPage {
  action: string;
  profile: Record<'name' | 'given_name' | 'family_name' | 'nickname' | 'locale' | 'zoneinfo', string>;
  problem: Problem;
}

export interface AccountPasswordView extends OwnPage {
  action: string;
  minLength: number;
  problem: Problem;
}

export interface AccountAuthenticatorsView extends OwnPage {
  authenticators: { id: string; name: string; addedAt: string }[];
  mayRemove: boolean;
}

export interface AccountRecoveryCodesView extends OwnPage {
  left: number;
  hasTotp: boolean;
}

export interface AccountSessionsView extends OwnPage {
  sessions: {
    uid: string;
    browser: string | null;
    system: string | null;
    address: string | null;
    signedInAt: string;
    seenAt: string;
    isThis: boolean;
  }[];
}

export interface AccountApplicationsView extends OwnPage {
  applications: (ClientHead & { clientId: string; since: string; may: string[] })[];
}

export interface ViewData {
  home: HomeView;
  'sign-in': SignInView;
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
  account: AccountView;
  'account-profile': AccountProfileView;
  'account-password': AccountPasswordView;
  'account-authenticators': AccountAuthenticatorsView;
  'account-recovery-codes': AccountRecoveryCodesView;
  'account-sessions': AccountSessionsView;
  'account-applications': AccountApplicationsView;
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
  'account-authenticators': 0,
  'account-recovery-codes': 0,
  'account-sessions': 0,
  'account-applications': 0,
} satisfies Record<ViewName, 0>) as ViewName[];
