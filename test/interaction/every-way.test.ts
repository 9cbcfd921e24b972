import { describe, expect, it } from 'vitest';
import type { Proof } from '../../src/assurance/level.ts';
import { type FlowState, type Form, formsOf, nextStep, type Step } from '../../src/interaction/flow.ts';
import { allAccounts, allProofs, postponables } from './flow-states.ts';

/** What the person has at hand. Of what the account has, something may be lost. */
interface Person {
  password: boolean;
  totp: boolean;
  passkey: boolean;
  recoveryCodes: boolean;
}

type Account = NonNullable<FlowState['account']>;
type Way = (state: FlowState & { account: Account }, person: Person) => FlowState[];

const proving = (state: FlowState, ...given: Proof[]): FlowState => ({ ...state, proofs: [...state.proofs, ...given] });
const verified = { method: 'passkey', at: 2, passkey: { synced: false, userVerified: true } } as const;
const unverified = { method: 'passkey', at: 2, passkey: { synced: false, userVerified: false } } as const;

function enrolled(state: FlowState & { account: Account }, has: Partial<Account>, proof: Proof): FlowState {
  const first = !state.account.hasTotp && !state.account.hasPasskey;
  return { ...proving(state, proof), account: { ...state.account, ...has }, postponable: null, codesToShow: first };
}

/** Where each form leads whom it is open to, as its page records it. */
const WAYS: Record<Form, Way> = {
  password: (state, { password }) => {
    const others = state.proofs.filter(({ method }) => method !== 'pwd');
    return password ? [proving({ ...state, proofs: others }, { method: 'pwd', at: 2 })] : [];
  },
  // On the first page it must verify its user, who is not known yet; after that it may.
  passkey: (state, { passkey }) => {
    const kinds = nextStep(state) === 'sign-in' ? [verified] : [verified, unverified];
    return passkey ? kinds.map((kind) => proving(state, kind)) : [];
  },
  totp: (state, { totp }) => (totp ? [proving(state, { method: 'otp', at: 2 })] : []),
  'recovery-code': (state, { recoveryCodes }) =>
    recoveryCodes ? [{ ...proving(state, { method: 'recovery', at: 2 }), fewCodesLeft: true }] : [],
  'totp-enrolment': (state) => [enrolled(state, { hasTotp: true }, { method: 'otp', at: 2 })],
  'passkey-enrolment': (state) => [enrolled(state, { hasPasskey: true }, verified)],
  'recovery-codes': (state) => [{ ...state, codesToShow: false }],
  'recovery-codes-left': (state) => [{ ...state, fewCodesLeft: false }],
  'new-password': (state) => [{ ...state, account: { ...state.account, mustChangePassword: false } }],
  // Of what others demand nothing is put off.
  later: (state) => {
    const demanded = state.demanded === state.postponable ? 'one-factor' : state.demanded;
    return [{ ...state, demanded, postponable: null }];
  },
  'select-account': (state) => [{ ...state, accountToSelect: false }],
  'not-open': () => [],
  consent: () => [],
};

interface Walk {
  /** Nothing that is open can be given, and it is not done. */
  stuck: string[];
  /** A form led back to where it, or one before it, was given. */
  circles: string[];
  steps: Set<Step>;
}

function walk(start: FlowState, person: Person): Walk {
  const found: Walk = { stuck: [], circles: [], steps: new Set() };
  const left = new Set<string>();
  const visit = (state: FlowState, path: readonly string[]): void => {
    const name = JSON.stringify(state);
    const step = nextStep(state);
    found.steps.add(step);
    if (path.includes(name)) found.circles.push(`${step} again: ${name}`);
    if (left.has(name) || path.includes(name) || step === 'done') return;
    const { account } = state;
    const next = formsOf(step, state).flatMap((form) => (account ? WAYS[form]({ ...state, account }, person) : []));
    if (next.length === 0) found.stuck.push(`${step}: ${name}`);
    for (const one of next) visit(one, [...path, name]);
    left.add(name);
  };
  visit(start, []);
  return found;
}

/** From whatever a session, or an earlier step, may have left. Whoever signs in is the one whom the account names. */
function* beginnings(demands: FlowState['demanded'][], passkeys: boolean): Generator<FlowState & { account: Account }> {
  for (const account of allAccounts()) {
    for (const proofs of allProofs()) {
      for (const demanded of demands) {
        for (const postponable of postponables(demanded)) {
          if (postponable === 'phishing-resistant' && !passkeys) continue;
          const rest = { account, proofs, demanded, postponable, passkeys, codesToShow: false, fewCodesLeft: false };
          yield { prompt: 'login', accountToSelect: true, ...rest };
        }
      }
    }
  }
}

const ALL = ['one-factor', 'trusted-browser', 'two-factor', 'phishing-resistant'] as const;
const WITHOUT_PASSKEYS = ['one-factor', 'trusted-browser', 'two-factor'] as const;

function walks(
  demands: readonly FlowState['demanded'][],
  passkeys: boolean,
  personOf: (account: Account) => Person | null,
) {
  const all: Walk = { stuck: [], circles: [], steps: new Set() };
  for (const start of beginnings([...demands], passkeys)) {
    const person = personOf(start.account);
    if (!person) continue;
    const { stuck, circles, steps } = walk(start, person);
    all.stuck.push(...stuck);
    all.circles.push(...circles);
    for (const step of steps) all.steps.add(step);
  }
  return { stuck: all.stuck.slice(0, 3), circles: all.circles.slice(0, 3), steps: [...all.steps].sort() };
}

const CLEAN = { stuck: [], circles: [] };
const everything = ({ hasTotp, hasPasskey }: Account): Person => ({
  ...{ password: true, totp: hasTotp, passkey: hasPasskey, recoveryCodes: hasTotp || hasPasskey },
});

describe('every way through a sign-in ends', () => {
  it('for who has all that the account has, through every step', () => {
    const found = walks(ALL, true, everything);
    expect(found).toMatchObject(CLEAN);
    expect(found.steps).toEqual([
      'done',
      'enrolment',
      'new-password',
      'recovery-codes',
      'recovery-codes-left',
      'second-factor',
      'select-account',
      'sign-in',
    ]);
  });

  it('for who never had a password, by passkey', () => {
    const person = (account: Account) => (account.hasPasskey ? { ...everything(account), password: false } : null);
    expect(walks(ALL, true, person)).toMatchObject(CLEAN);
  });

  it('for who has neither app nor passkey any more, by recovery codes', () => {
    const person = (account: Account) => ({ ...everything(account), totp: false, passkey: false });
    expect(walks(ALL, true, person)).toMatchObject(CLEAN);
  });

  it('for who lost the recovery codes alone', () => {
    const person = (account: Account) => ({ ...everything(account), recoveryCodes: false });
    expect(walks(ALL, true, person)).toMatchObject(CLEAN);
  });

  it('where passkeys are off, also for who has one of before', () => {
    expect(walks(WITHOUT_PASSKEYS, false, everything)).toMatchObject(CLEAN);
  });
});
