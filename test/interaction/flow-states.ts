import { isAtLeast, LEVELS, type Level, type Method, type Proof } from '../../src/assurance/level.ts';
import type { FlowAccount, FlowState } from '../../src/interaction/flow.ts';

const EITHER = [false, true];

/** A proof that is missing, was made in this flow, or comes from the session. */
function* ways(method: Method): Generator<Proof[]> {
  const kinds =
    method === 'passkey' ? EITHER.map((userVerified) => ({ passkey: { synced: false, userVerified } })) : [{}];
  yield [];
  for (const kind of kinds) {
    yield [{ method, at: 1, ...kind }];
    yield [{ method, at: 1, ...kind, inherited: true }];
  }
}

export function allProofs(): Proof[][] {
  const methods: Method[] = ['pwd', 'otp', 'recovery', 'browser', 'passkey'];
  return methods.reduce<Proof[][]>(
    (sets, method) => sets.flatMap((set) => [...ways(method)].map((way) => [...set, ...way])),
    [[]],
  );
}

export function allAccounts(): FlowAccount[] {
  return EITHER.flatMap((hasTotp) =>
    EITHER.flatMap((hasPasskey) => EITHER.map((mustChangePassword) => ({ hasTotp, hasPasskey, mustChangePassword }))),
  );
}

/** Before anything is asked: what was proved does not matter yet. */
function* firstStates(): Generator<FlowState> {
  const nothing = {
    demanded: 'two-factor',
    postponable: null,
    passkeys: true,
    codesToShow: true,
    fewCodesLeft: true,
  } as const;
  for (const account of [null, ...allAccounts()]) {
    for (const proofs of allProofs()) {
      yield { ...nothing, prompt: 'consent', accountToSelect: false, account, proofs };
      yield { ...nothing, prompt: 'not-open', accountToSelect: false, account, proofs };
      yield { ...nothing, prompt: 'login', accountToSelect: true, account, proofs };
    }
  }
}

/** What others demand cannot be put off, so that it is never more than what can. */
export function postponables(demanded: Level): (Level | null)[] {
  const later = (['two-factor', 'phishing-resistant'] as const).filter((level) => isAtLeast(level, demanded));
  return [null, ...later];
}

/** Every state that a flow can be in, and many that it never should be in. */
export function* allStates(): Generator<FlowState> {
  yield* firstStates();
  for (const account of [null, ...allAccounts()]) {
    for (const proofs of allProofs()) {
      for (const demanded of LEVELS) {
        for (const postponable of account === null ? [null] : postponables(demanded)) {
          for (const passkeys of EITHER) {
            for (const [codesToShow, fewCodesLeft] of [
              [false, false],
              [false, true],
              [true, false],
            ] as const) {
              const rest = { account, proofs, demanded, postponable, passkeys, codesToShow, fewCodesLeft };
              yield { prompt: 'login', accountToSelect: false, ...rest };
            }
          }
        }
      }
    }
  }
}
