import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import { type Level, oldestOf, type Proof } from '../assurance/level.ts';
import type { Consent } from '../consents/store.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { ClientHead } from '../web/view-data.ts';

/** What this browser has proved and been given since the prompt began. Kept on the server, sealed. */
export interface Progress {
  accountId: string | null;
  /** What the account's password and factors were when it proved them, or when a session began to stand for that. */
  factorsVersion: number | null;
  proofs: Proof[];
  /** When this flow itself ended all that was older, by a new password; its own proofs outlive that. */
  renewedAt: Milliseconds | null;
  /** A seed that waits for its first code; made by us, never part of a form. */
  enrolment: PendingEnrolment | null;
  /** New recovery codes, until the person says that they are kept. */
  recoveryCodes: string[] | null;
  /** How many recovery codes are left, where the person is to be told. */
  codesLeft: number | null;
  /** The session outlives the browser's window. */
  remember: boolean;
  /** Whoever is signed in here is not the one who goes on: the person said so. */
  anotherAccount: boolean;
  /** This browser is to stand in for the second factor from now on. */
  trust: boolean;
  /** The person put a factor off in this flow, and is asked for it no more. */
  postponed: boolean;
  /** The login was handed over: it is handed over once. */
  finished: boolean;
}

export interface PendingEnrolment {
  secret: string;
  expiresAt: Milliseconds;
  /** What the account's factors were when it began. */
  factorsVersion: number;
}

export const NOTHING_PROVED: Progress = {
  accountId: null,
  factorsVersion: null,
  proofs: [],
  renewedAt: null,
  enrolment: null,
  recoveryCodes: null,
  codesLeft: null,
  remember: false,
  anotherAccount: false,
  trust: false,
  postponed: false,
  finished: false,
};

/** Nothing is left of whom it was about; what was decided of the visit itself stays. */
export function aboutAnother({ anotherAccount, finished }: Progress): Progress {
  return { ...NOTHING_PROVED, anotherAccount, finished };
}

/** What was proved before a password or factor changed, or before a sign-out everywhere, counts no more. */
export function stillCounts(progress: Progress, account: Account): boolean {
  const { factorsVersion } = progress;
  const sameFactors = factorsVersion === null || factorsVersion === account.factorsVersion;
  return sameFactors && standsSince(progress) > account.notBefore;
}

/** What ends all that is older than an instant ends these proofs too where they stand since that instant or before. */
export function standsSince({ proofs, renewedAt }: Pick<Progress, 'proofs' | 'renewedAt'>): Milliseconds {
  return Math.max(oldestOf(proofs), renewedAt ?? 0);
}

/** One visit between an authorization request and its answer. */
export interface Interaction {
  uid: string;
  prompt: 'login' | 'consent' | 'not-open';
  /** Who is signed in here, as long as the application asks which account it is to be; null otherwise. */
  signedIn: Account | null;
  /** The person of a page that comes after the sign-in may turn out to be somebody else. */
  canSwitch: boolean;
  client: ClientHead & { id: string; policyUri: string | null; tosUri: string | null; selfRegistered: boolean };
  /** The address to start with on the sign-in page. */
  emailHint: string;
  uiLocales: string | null;
  /** What the application asks for; set for the consent prompt. */
  requested: Consent | null;
  progress: Progress;
  /** Whom the progress is about, as long as that account may sign in. */
  account: Account | null;
  /** What policy, client and request demand of this account. */
  demanded: Level;
  /** Who demands it: the operator of this server, or the application. */
  demandedBy: 'policy' | 'client';
  /** What the policy alone asks for, of somebody who lacks it, and until when they may put it off; null once they did. */
  postponable: { level: Level; until: Milliseconds } | null;
  /** They are offered here. */
  passkeys: boolean;
}

/** All that the pages see of the protocol. Built in src/oidc/interactions.ts. */
export interface Interactions {
  /** @throws {Refusal} `flow_expired` when cookie and address do not name a live interaction of this browser. */
  load(ctx: Context): Promise<Interaction>;
  /** False when another request of this browser was faster: nothing was recorded. */
  record(interaction: Interaction, progress: Progress): Promise<boolean>;
  /** Names the interaction and the state of its progress: another one with every record. For challenges. */
  occasion(interaction: Interaction): string;
  /**
   * Hands the login over, once, when every step is done.
   * @param arrive what must have happened before anybody is let in @returns where the browser goes on
   * @throws {Refusal} `flow_expired`
   */
  finishLogin(ctx: Context, interaction: Interaction, arrive: () => Promise<void>): Promise<string>;
  /** The person allowed what was asked for. @returns where the browser goes on */
  finishConsent(ctx: Context, interaction: Interaction): Promise<string>;
  /** The person goes on as who is signed in here. @returns where the browser goes on */
  finishSelection(ctx: Context, interaction: Interaction): Promise<string>;
  /** Has the person say who goes on, before the application's request is taken up again. @returns where that is asked */
  selectAgain(ctx: Context, interaction: Interaction): Promise<string>;
  /** The application is told that the person did not go on, or cannot. @returns where the browser goes on */
  abort(ctx: Context, interaction: Interaction, why?: 'declined' | 'unmet' | 'not-open'): Promise<string>;
}
