import { type Level, strongest } from '../assurance/level.ts';
import type { By } from '../lib/by.ts';
import { HOUR, type Milliseconds, type Seconds } from '../lib/duration.ts';
import type { Account } from './account.ts';

/** How long the link is good once it opens. */
export const RECOVERY_OPEN: Seconds = 72 * HOUR;

/** One that waits, or is open. */
export interface Recovery {
  opensAt: Milliseconds;
  expiresAt: Milliseconds;
}

export interface NewRecovery {
  wait: Seconds;
  /** The link goes to the stored address; otherwise whoever started it hands it over. */
  mailed: boolean;
}

/**
 * The way back of somebody who has lost everything. An operator starts it, and its owner has the wait to stop it: every
 * address that is theirs is told. Every implementation passes test/store/recoveries.contract.ts.
 */
export interface RecoveryStore {
  /**
   * Ends the one before. Null where no such account is active: nothing was written.
   * @returns with the link's token where it is not mailed: it is stored nowhere
   */
  start(accountId: string, recovery: NewRecovery, by: By): Promise<(Recovery & { token: string | null }) | null>;
  /** Null where there is none, or it has run out. */
  find(accountId: string): Promise<Recovery | null>;
  /** By an operator, or since its owner has signed in with a second factor. False where there is none. */
  stop(accountId: string, because: 'operator' | 'sign-in', by: By): Promise<boolean>;
  /** By whoever holds the link of a letter that told of it. False where that opens nothing any more. */
  stopByLink(accountId: string, tokenHash: string, by: By): Promise<boolean>;
  /**
   * By whoever holds the link: a password, and nothing else that was. Every session and grant ends, factors and codes are
   * gone, browsers forgotten, other open links void, and as much as there was is demanded at the next sign-in. False where
   * the link opens nothing, yet or any more, or the account is not active: nothing was written.
   * @param passkeys whether they are offered here
   */
  recover(accountId: string, tokenHash: string, passwordHash: string, passkeys: boolean, by: By): Promise<boolean>;
}

/**
 * The level demanded of an account whose factors are taken away: what it was protected by must be set up again before
 * anybody is let in, whatever the policy says. It stays until an operator lowers it.
 */
export function demandAfterLoss(
  { hasTotp, hasPasskey, demandedLevel }: Pick<Account, 'hasTotp' | 'hasPasskey' | 'demandedLevel'>,
  passkeys: boolean,
): Level | null {
  if (!hasTotp && !hasPasskey) return demandedLevel;
  const had = hasPasskey && !hasTotp && passkeys ? 'phishing-resistant' : 'two-factor';
  return strongest([had, demandedLevel ?? 'one-factor']);
}
