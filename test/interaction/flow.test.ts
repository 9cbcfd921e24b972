import { describe, expect, it } from 'vitest';
import type { Level, Method } from '../../src/assurance/level.ts';
import { type FlowState, nextStep, type Step } from '../../src/interaction/flow.ts';

const proofs = (...methods: Method[]) => methods.map((method) => ({ method, at: 1 }));
const state = (part: Partial<FlowState>): FlowState => ({
  ...{
    prompt: 'login',
    account: null,
    proofs: [],
    passwordHere: true,
    demanded: 'one-factor',
    codesToShow: false,
    fewCodesLeft: false,
  },
  ...part,
});
const plain = { hasTotp: false };
const guarded = { hasTotp: true };

const CASES: [string, Step, Partial<FlowState>][] = [
  ['a stranger gives a password', 'password', {}],
  ['proofs of an account that is gone count for nothing', 'password', { proofs: proofs('pwd', 'otp') }],
  ['a code without a password counts for nothing', 'password', { account: guarded, proofs: proofs('otp') }],
  ['a password is enough where nothing more is demanded', 'done', { account: plain, proofs: proofs('pwd') }],
  [
    'who has a second factor is asked for it though nothing demands it',
    'totp',
    { account: guarded, proofs: proofs('pwd') },
  ],
  ['password and code', 'done', { account: guarded, proofs: proofs('pwd', 'otp') }],
  ['password and recovery code', 'done', { account: guarded, proofs: proofs('pwd', 'recovery') }],
  [
    'who has no second factor enrols one where it is demanded',
    'totp-enrolment',
    { account: plain, proofs: proofs('pwd'), demanded: 'two-factor' },
  ],
  [
    'a session alone binds no new factor: the password comes first',
    'password',
    { account: plain, proofs: proofs('pwd'), demanded: 'two-factor', passwordHere: false },
  ],
  [
    'a session is enough for the code of a factor that is there',
    'totp',
    { account: guarded, proofs: proofs('pwd'), demanded: 'two-factor', passwordHere: false },
  ],
  ['a demand is met by the code', 'done', { account: guarded, proofs: proofs('pwd', 'otp'), demanded: 'two-factor' }],
  [
    'new recovery codes are shown before anything else',
    'recovery-codes',
    { account: guarded, proofs: proofs('pwd', 'otp'), codesToShow: true },
  ],
  [
    'few codes left are said at the end',
    'recovery-codes-left',
    { account: guarded, proofs: proofs('pwd', 'recovery'), fewCodesLeft: true },
  ],
  [
    'few codes left are not said before the second factor',
    'totp',
    { account: guarded, proofs: proofs('pwd'), fewCodesLeft: true },
  ],
  ['the consent prompt asks for consent', 'consent', { prompt: 'consent', account: guarded }],
];

describe('nextStep', () => {
  it.each(CASES)('%s', (_name, expected, part) => {
    expect(nextStep(state(part))).toBe(expected);
  });

  it('is never done below the demanded level, nor with a second factor left out', () => {
    const methods: Method[] = ['pwd', 'otp', 'recovery'];
    const subsets = [...Array(8).keys()].map((bits) => methods.filter((_, index) => bits & (1 << index)));
    for (const subset of subsets) {
      for (const demanded of ['one-factor', 'two-factor'] satisfies Level[]) {
        for (const account of [null, plain, guarded]) {
          const step = nextStep(state({ account, proofs: proofs(...subset), demanded }));
          const second = subset.includes('otp') || subset.includes('recovery');
          const enough =
            account !== null && subset.includes('pwd') && (second || (demanded === 'one-factor' && !account.hasTotp));
          expect(step === 'done', `${subset} ${demanded} ${JSON.stringify(account)}`).toBe(enough);
        }
      }
    }
  });
});
