import { describe, expect, it } from 'vitest';
import type { Level, Method, Proof } from '../../src/assurance/level.ts';
import { type FlowState, type Form, formsOf, nextStep, type Step } from '../../src/interaction/flow.ts';

const proofs = (...methods: Method[]): Proof[] => methods.map((method) => ({ method, at: 1 }));
const before = (...methods: Method[]): Proof[] => methods.map((method) => ({ method, at: 1, inherited: true }));
const state = (part: Partial<FlowState>): FlowState => ({
  ...{
    prompt: 'login',
    accountToSelect: false,
    account: null,
    proofs: [],
    passkeys: true,
    demanded: 'one-factor',
    postponable: null,
    codesToShow: false,
    fewCodesLeft: false,
  },
  ...part,
});
const plain = { hasTotp: false, hasPasskey: false, mustChangePassword: false };
const guarded = { hasTotp: true, hasPasskey: false, mustChangePassword: false };
const asked = (account: typeof plain) => ({ ...account, mustChangePassword: true });

const CASES: [string, Step, Partial<FlowState>][] = [
  ['a stranger gives a password', 'sign-in', {}],
  ['proofs of an account that is gone count for nothing', 'sign-in', { proofs: proofs('pwd', 'otp') }],
  ['a code without a password counts for nothing', 'sign-in', { account: guarded, proofs: proofs('otp') }],
  ['a password is enough where nothing more is demanded', 'done', { account: plain, proofs: proofs('pwd') }],
  [
    'who has a second factor is asked for it though nothing demands it',
    'second-factor',
    { account: guarded, proofs: proofs('pwd') },
  ],
  ['password and code', 'done', { account: guarded, proofs: proofs('pwd', 'otp') }],
  ['password and recovery code', 'done', { account: guarded, proofs: proofs('pwd', 'recovery') }],
  [
    'who has no second factor enrols one where it is demanded',
    'enrolment',
    { account: plain, proofs: proofs('pwd'), demanded: 'two-factor' },
  ],
  [
    'a session alone binds no new factor: the password comes first',
    'sign-in',
    { account: plain, proofs: before('pwd'), demanded: 'two-factor' },
  ],
  [
    'a session is enough for the code of a factor that is there',
    'second-factor',
    { account: guarded, proofs: before('pwd'), demanded: 'two-factor' },
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
    'second-factor',
    { account: guarded, proofs: proofs('pwd'), fewCodesLeft: true },
  ],
  [
    'a password that must go is the last to be dealt with',
    'new-password',
    { account: asked(plain), proofs: proofs('pwd') },
  ],
  [
    'a password that must go does not go before the second factor',
    'second-factor',
    { account: asked(guarded), proofs: proofs('pwd') },
  ],
  [
    'nor before a second factor that is demanded',
    'enrolment',
    { account: asked(plain), proofs: proofs('pwd'), demanded: 'two-factor' },
  ],
  [
    'nor before new recovery codes were shown',
    'recovery-codes',
    { account: asked(guarded), proofs: proofs('pwd', 'otp'), codesToShow: true },
  ],
  [
    'few codes left are said after the new password',
    'new-password',
    { account: asked(guarded), proofs: proofs('pwd', 'recovery'), fewCodesLeft: true },
  ],
  ['a session alone chooses no new password', 'sign-in', { account: asked(guarded), proofs: before('pwd', 'otp') }],
  ['who is signed in may be somebody else', 'select-account', { accountToSelect: true }],
  [
    'which account it is to be comes before all that is demanded of one',
    'select-account',
    { accountToSelect: true, account: asked(plain), proofs: before('pwd'), demanded: 'two-factor' },
  ],
  [
    'a trusted browser is enough in place of a second factor',
    'done',
    { account: guarded, proofs: proofs('pwd', 'browser') },
  ],
  ['a trusted browser is nothing without the password', 'sign-in', { account: guarded, proofs: proofs('browser') }],
  [
    'a trusted browser is not enough where two factors are demanded',
    'second-factor',
    { account: guarded, proofs: proofs('pwd', 'browser'), demanded: 'two-factor' },
  ],
  [
    'a trusted browser adds no factor: the ones that are there come first',
    'second-factor',
    { account: guarded, proofs: proofs('pwd', 'browser'), demanded: 'phishing-resistant' },
  ],
  [
    'what was put off is asked for again at the next sign-in',
    'enrolment',
    { account: plain, proofs: proofs('pwd'), postponable: 'two-factor' },
  ],
  [
    'what was put off is not asked of a session',
    'done',
    { account: plain, proofs: before('pwd'), postponable: 'two-factor' },
  ],
  [
    'a passkey that was put off is asked of whoever has proved the app',
    'enrolment',
    { account: guarded, proofs: proofs('pwd', 'otp'), postponable: 'phishing-resistant' },
  ],
  [
    'and not of whoever came by a trusted browser',
    'done',
    { account: guarded, proofs: proofs('pwd', 'browser'), postponable: 'phishing-resistant' },
  ],
  [
    'whoever an application is not open to is told so, whatever else waits',
    'not-open',
    { prompt: 'not-open', account: asked(guarded), proofs: proofs('pwd'), demanded: 'two-factor', codesToShow: true },
  ],
  ['the consent prompt asks for consent', 'consent', { prompt: 'consent', account: guarded }],
];

describe('nextStep', () => {
  it.each(CASES)('%s', (_name, expected, part) => {
    expect(nextStep(state(part))).toBe(expected);
  });

  it('is never done below the demanded level, with a second factor left out, or with a password that must go', () => {
    for (const { account, demanded, methods, passwordHere, ...rest } of everyCombination()) {
      const given = passwordHere ? proofs(...methods) : before(...methods);
      const step = nextStep(state({ account, demanded, proofs: given, ...rest }));
      const second = methods.includes('otp') || methods.includes('recovery');
      const proved =
        account !== null && methods.includes('pwd') && (second || (demanded === 'one-factor' && !account.hasTotp));
      const mayGoOn = proved && !rest.codesToShow;
      const mustChange = account?.mustChangePassword ?? false;
      const name = JSON.stringify({ account, demanded, methods, passwordHere, ...rest });
      expect(step === 'new-password', name).toBe(mayGoOn && mustChange && passwordHere);
      expect(step === 'done', name).toBe(mayGoOn && !mustChange && !rest.fewCodesLeft);
    }
  });
});

describe('the forms of an enrolment', () => {
  const forms = (part: Partial<FlowState>) =>
    formsOf('enrolment', state({ account: plain, proofs: proofs('pwd'), ...part }));
  it.each([
    ['demanded, and not to be put off', { demanded: 'two-factor' }, ['totp-enrolment', 'passkey-enrolment']],
    [
      'demanded by the policy for the first time',
      { demanded: 'two-factor', postponable: 'two-factor' },
      ['totp-enrolment', 'passkey-enrolment', 'later'],
    ],
    ['put off before', { postponable: 'two-factor' }, ['totp-enrolment', 'passkey-enrolment', 'later']],
    [
      'demanded by a client, and more put off before',
      { demanded: 'two-factor', postponable: 'phishing-resistant' },
      ['totp-enrolment', 'passkey-enrolment'],
    ],
    ['a passkey, put off before', { postponable: 'phishing-resistant' }, ['passkey-enrolment', 'later']],
  ] satisfies [string, Partial<FlowState>, Form[]][])('%s', (_name, part, expected) => {
    expect(forms(part)).toEqual(expected);
  });
});

function* everyCombination() {
  const all: Method[] = ['pwd', 'otp', 'recovery'];
  const subsets = [...Array(8).keys()].map((bits) => all.filter((_, index) => bits & (1 << index)));
  const [levels, either] = [['one-factor', 'two-factor'] satisfies Level[], [false, true]];
  for (const methods of subsets) {
    for (const demanded of levels) {
      for (const account of [null, plain, guarded, asked(plain), asked(guarded)]) {
        for (const passwordHere of either) {
          for (const codesToShow of either) {
            for (const fewCodesLeft of either) {
              yield { methods, demanded, account, passwordHere, codesToShow, fewCodesLeft };
            }
          }
        }
      }
    }
  }
}
