import { isAtLeast, type Level, levelOf, type Proof } from '../assurance/level.ts';

export type Step =
  | 'password'
  | 'totp'
  | 'totp-enrolment'
  | 'recovery-codes'
  | 'recovery-codes-left'
  | 'new-password'
  | 'consent'
  | 'done';

export interface FlowState {
  prompt: 'login' | 'consent';
  /** Whom the proofs are about; null while nobody is known. */
  account: { hasTotp: boolean; mustChangePassword: boolean } | null;
  proofs: readonly Proof[];
  /** The password was proved in this flow; otherwise what is proved rests on a session. */
  passwordHere: boolean;
  /** The strongest level that policy, client or request demand of this account. */
  demanded: Level;
  /** New recovery codes wait to be shown. */
  codesToShow: boolean;
  /** Few recovery codes are left, and the person is to be told. */
  fewCodesLeft: boolean;
}

/**
 * The only place that decides what comes next. Pages never send the browser to one another: each returns here. Who has
 * a second factor is always asked for it, whatever is demanded.
 */
export function nextStep({
  prompt,
  account,
  proofs,
  passwordHere,
  demanded,
  codesToShow,
  fewCodesLeft,
}: FlowState): Step {
  if (prompt === 'consent') return 'consent';
  const level = levelOf(proofs);
  if (account === null || level === null) return 'password';
  if (codesToShow) return 'recovery-codes';
  if (!isAtLeast(level, 'two-factor') && account.hasTotp) return 'totp';
  // A session alone, however it came into somebody's hands, binds no new factor to the account.
  if (!isAtLeast(level, demanded)) return passwordHere ? 'totp-enrolment' : 'password';
  // Only for whoever has proved all that is demanded: a stolen password alone must not choose the next one.
  if (account.mustChangePassword) return passwordHere ? 'new-password' : 'password';
  return fewCodesLeft ? 'recovery-codes-left' : 'done';
}
