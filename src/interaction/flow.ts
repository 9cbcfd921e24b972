import { type Account, hasSecondFactor } from '../accounts/account.ts';
import { isAtLeast, type Level, levelOf, type Proof, provedHere } from '../assurance/level.ts';

export type Step =
  | 'select-account'
  | 'sign-in'
  | 'second-factor'
  | 'enrolment'
  | 'recovery-codes'
  | 'recovery-codes-left'
  | 'new-password'
  | 'not-open'
  | 'consent'
  | 'done';

/** What a step is done with. Of those that have several, any will do. */
export type Form =
  | Exclude<Step, 'sign-in' | 'second-factor' | 'enrolment' | 'done'>
  | 'password'
  | 'passkey'
  | 'totp'
  | 'recovery-code'
  | 'totp-enrolment'
  | 'passkey-enrolment'
  /** Not now: of what the policy asks for and gives time for. */
  | 'later';

/** What an account has to sign in with, and what it is to change. */
export type FlowAccount = Pick<Account, 'hasTotp' | 'hasPasskey' | 'mustChangePassword'>;

export interface FlowState {
  prompt: 'login' | 'consent' | 'not-open';
  /** Somebody is signed in here, and the person is to say whether to go on as them. */
  accountToSelect: boolean;
  /** Whom the proofs are about; null while nobody is known. */
  account: FlowAccount | null;
  proofs: readonly Proof[];
  /** The strongest level that policy, client or request demand of this account. */
  demanded: Level;
  /** What the policy alone asks for, of somebody who lacks it, and that they may put off; null once they did. */
  postponable: Level | null;
  /** They are offered here. */
  passkeys: boolean;
  /** New recovery codes wait to be shown. */
  codesToShow: boolean;
  /** Few recovery codes are left, and the person is to be told. */
  fewCodesLeft: boolean;
}

/**
 * The only place that decides what comes next. Pages never send the browser to one another: each returns here. Who has
 * a second factor is always asked for it, whatever is demanded, unless the browser is trusted.
 */
export function nextStep(state: FlowState): Step {
  const { prompt, account, proofs, demanded, passkeys, ...waiting } = state;
  if (prompt !== 'login') return prompt;
  // Before the proofs, which are those of a sign-in as somebody else.
  if (waiting.accountToSelect) return 'select-account';
  const level = levelOf(proofs);
  if (account === null || level === null) return 'sign-in';
  if (waiting.codesToShow) return 'recovery-codes';
  if (hasSecondFactor(account) && !isAtLeast(level, 'trusted-browser')) return 'second-factor';
  // A session alone, however it came into somebody's hands, changes nothing of the account.
  const here = levelOf(provedHere(proofs));
  if (!isAtLeast(level, demanded)) {
    if (canProve(account, demanded, passkeys)) return 'second-factor';
    if (here === null) return 'sign-in';
    // A factor is added by whoever has proved, here, the ones that are there.
    return hasSecondFactor(account) && !isAtLeast(here, 'two-factor') ? 'second-factor' : 'enrolment';
  }
  if (mayEnrolNow(state)) return 'enrolment';
  // Only for whoever has proved all that is demanded: a stolen password alone must not choose the next one.
  if (account.mustChangePassword) return here === null ? 'sign-in' : 'new-password';
  return waiting.fewCodesLeft ? 'recovery-codes-left' : 'done';
}

/** What may be used at a step; the first is what is shown. Never empty but where nothing is left to do. */
export function formsOf(step: Step, { account, proofs, demanded, postponable, passkeys }: FlowState): Form[] {
  if (step === 'done') return [];
  const passkey: Form[] = passkeys ? ['passkey'] : [];
  const newPasskey: Form[] = passkeys ? ['passkey-enrolment'] : [];
  if (step === 'sign-in') return ['password', ...passkey];
  if (step === 'enrolment') {
    const missing = isAtLeast(levelOf(proofs), demanded) ? postponable : demanded;
    const enrolment: Form[] = missing === 'phishing-resistant' ? newPasskey : ['totp-enrolment', ...newPasskey];
    return missing === postponable ? [...enrolment, 'later'] : enrolment;
  }
  if (step !== 'second-factor') return [step];
  const own = account?.hasPasskey ? passkey : [];
  const codes: Form[] = [...(account?.hasTotp ? (['totp'] as const) : []), 'recovery-code'];
  if (!isAtLeast(levelOf(proofs), 'two-factor')) return [...own, ...codes];
  // Only a passkey is missing. Whoever has lost it proves here all that is left, and registers another.
  const here = levelOf(provedHere(proofs));
  if (here === null) return [...own, 'password'];
  return isAtLeast(here, 'two-factor') ? [...own, ...newPasskey] : [...own, ...codes];
}

/** Somebody who was given time is reminded where a factor could be added without asking for more than was proved. */
function mayEnrolNow({ account, proofs, postponable }: FlowState): boolean {
  if (account === null || postponable === null) return false;
  return isAtLeast(levelOf(provedHere(proofs)), hasSecondFactor(account) ? 'two-factor' : 'one-factor');
}

function canProve(account: FlowAccount, demanded: Level, passkeys: boolean): boolean {
  return demanded === 'phishing-resistant' ? account.hasPasskey && passkeys : hasSecondFactor(account);
}
