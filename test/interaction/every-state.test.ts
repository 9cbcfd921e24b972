import { describe, expect, it } from 'vitest';
import type { Proof } from '../../src/assurance/level.ts';
import { type FlowState, formsOf, nextStep, type Step } from '../../src/interaction/flow.ts';
import { allStates } from './flow-states.ts';

/*
 * What is to come next, in words, from the text of docs/levels.md and decision 023 alone: of these rules the first that
 * holds decides. None of them asks the code what a level is.
 */

/** What was proved, taken apart. A passkey that verified its user is two factors, one that did not is the second. */
function proved(proofs: readonly Proof[]) {
  const has = (method: Proof['method']) => proofs.some((proof) => proof.method === method);
  const alone = proofs.some(({ passkey }) => passkey?.userVerified);
  const anything = has('pwd') || alone;
  const byPasskey = alone || (has('pwd') && has('passkey'));
  const twoFactors = byPasskey || (has('pwd') && (has('otp') || has('recovery')));
  const trusted = twoFactors || (has('pwd') && has('browser'));
  return { anything, byPasskey, twoFactors, trusted };
}

function reaches(proofs: readonly Proof[], demanded: FlowState['demanded']): boolean {
  const { anything, byPasskey, twoFactors, trusted } = proved(proofs);
  return {
    'one-factor': anything,
    'trusted-browser': trusted,
    'two-factor': twoFactors,
    'phishing-resistant': byPasskey,
  }[demanded];
}

const here = ({ proofs }: FlowState) => proved(proofs.filter(({ inherited }) => inherited !== true));
const isGuarded = ({ account }: FlowState) => account !== null && (account.hasTotp || account.hasPasskey);
const lacksLevel = ({ proofs, demanded }: FlowState) => !reaches(proofs, demanded);
const ownsWhatIsDemanded = (state: FlowState) =>
  state.demanded === 'phishing-resistant' ? state.account?.hasPasskey && state.passkeys : isGuarded(state);

const RULES: [string, Step, (state: FlowState) => boolean | undefined][] = [
  ['who is signed in already is asked for consent alone', 'consent', ({ prompt }) => prompt === 'consent'],
  ['the application is not open to who is signed in', 'not-open', ({ prompt }) => prompt === 'not-open'],
  ['somebody else may be meant', 'select-account', ({ accountToSelect }) => accountToSelect],
  ['nobody is known', 'sign-in', ({ account }) => account === null],
  ['neither a password nor a passkey that verified its user', 'sign-in', ({ proofs }) => !proved(proofs).anything],
  ['codes that were just made are shown', 'recovery-codes', ({ codesToShow }) => codesToShow],
  [
    'who has a second factor is asked for it, unless this browser is trusted',
    'second-factor',
    (state) => isGuarded(state) && !proved(state.proofs).trusted,
  ],
  [
    'more is demanded, and the account has it',
    'second-factor',
    (state) => lacksLevel(state) && ownsWhatIsDemanded(state),
  ],
  ['a session alone adds no factor', 'sign-in', (state) => lacksLevel(state) && !here(state).anything],
  [
    'where there is a second factor, it is proved here before another is added',
    'second-factor',
    (state) => lacksLevel(state) && isGuarded(state) && !here(state).twoFactors,
  ],
  ['more is demanded, and the account has nothing for it', 'enrolment', lacksLevel],
  [
    'whoever was given time is reminded, where they proved here all that the account has',
    'enrolment',
    (state) => state.postponable !== null && (isGuarded(state) ? here(state).twoFactors : here(state).anything),
  ],
  [
    'a session alone chooses no password',
    'sign-in',
    (state) => state.account?.mustChangePassword && !here(state).anything,
  ],
  ['the password must go', 'new-password', ({ account }) => account?.mustChangePassword],
  ['few codes are left', 'recovery-codes-left', ({ fewCodesLeft }) => fewCodesLeft],
  ['nothing is left to do', 'done', () => true],
];

/** The first few that break a rule, of a hundred thousand and more. */
function breaking(rule: (state: FlowState, step: Step) => boolean): string[] {
  const found: string[] = [];
  for (const state of allStates()) {
    const step = nextStep(state);
    if (!rule(state, step)) found.push(`${step}: ${JSON.stringify(state)}`);
    if (found.length === 3) break;
  }
  return found;
}

describe('in every state of a flow', () => {
  it('comes what the rules say', () => {
    const used = new Set<string>();
    const wrong = breaking((state, step) => {
      const [name, expected] = RULES.find(([, , holds]) => holds(state)) as (typeof RULES)[number];
      used.add(name);
      return step === expected;
    });
    expect(wrong).toEqual([]);
    expect(RULES.map(([name]) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it('nobody is done below the demanded level', () => {
    expect(breaking(({ proofs, demanded }, step) => step !== 'done' || reaches(proofs, demanded))).toEqual([]);
  });

  it('nobody is done, nor chooses a password, without the second factor that the account has', () => {
    const isLate = (step: Step) => ['new-password', 'recovery-codes-left', 'done'].includes(step);
    expect(breaking((state, step) => !isLate(step) || !isGuarded(state) || proved(state.proofs).trusted)).toEqual([]);
  });

  it('a trusted browser is not enough where more is demanded', () => {
    const mere = (proofs: readonly Proof[]) =>
      proofs.some(({ method }) => method === 'browser') && !proved(proofs).twoFactors;
    const strict = ({ demanded }: FlowState) => ['two-factor', 'phishing-resistant'].includes(demanded);
    expect(breaking((state, step) => step !== 'done' || !strict(state) || !mere(state.proofs))).toEqual([]);
  });

  it('nothing of the account is changed on the word of a session', () => {
    const changes = (state: FlowState, step: Step) =>
      step === 'new-password' || formsOf(step, state).some((form) => form.endsWith('-enrolment'));
    expect(breaking((state, step) => !changes(state, step) || here(state).anything)).toEqual([]);
  });

  it('a factor is added to others only by who proved two of them here', () => {
    const adds = (state: FlowState, step: Step) => formsOf(step, state).some((form) => form.endsWith('-enrolment'));
    expect(breaking((state, step) => !adds(state, step) || !isGuarded(state) || here(state).twoFactors)).toEqual([]);
  });

  it('some form is open until it is done, where what is demanded can be reached', () => {
    const canBeReached = ({ passkeys, demanded }: FlowState) => passkeys || demanded !== 'phishing-resistant';
    expect(
      breaking((state, step) => (formsOf(step, state).length === 0 ? step === 'done' || !canBeReached(state) : true)),
    ).toEqual([]);
  });

  it('what the policy alone asks for may be put off, and nothing else', () => {
    const isLate = (state: FlowState, step: Step) => formsOf(step, state).includes('later');
    const may = ({ proofs, demanded, postponable }: FlowState) =>
      postponable !== null && (reaches(proofs, demanded) || demanded === postponable);
    expect(breaking((state, step) => isLate(state, step) === (step === 'enrolment' && may(state)))).toEqual([]);
  });

  it('a form asks for what the account has', () => {
    const missing = ({ account }: FlowState) =>
      [...(account?.hasTotp ? [] : ['totp']), ...(account?.hasPasskey ? [] : ['passkey'])] as string[];
    const asks = (state: FlowState, step: Step) =>
      step === 'second-factor' && formsOf(step, state).some((form) => missing(state).includes(form));
    expect(breaking((state, step) => !asks(state, step))).toEqual([]);
  });

  it('where the second factor is missing, it may be any that there is, and the first is not asked for again', () => {
    const isSecond = (state: FlowState, step: Step) => step === 'second-factor' && !proved(state.proofs).twoFactors;
    const wanted = ({ account, passkeys }: FlowState) => [
      ...(account?.hasPasskey && passkeys ? ['passkey'] : []),
      ...(account?.hasTotp ? ['totp'] : []),
      'recovery-code',
    ];
    const same = (a: readonly string[], b: readonly string[]) => a.join() === b.join();
    expect(breaking((state, step) => !isSecond(state, step) || same(formsOf(step, state), wanted(state)))).toEqual([]);
  });

  it('passkeys are neither offered nor asked for where they are off', () => {
    const speaks = (state: FlowState, step: Step) => formsOf(step, state).some((form) => form.startsWith('passkey'));
    expect(breaking((state, step) => state.passkeys || !speaks(state, step))).toEqual([]);
  });
});
