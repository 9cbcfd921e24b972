import { LEVELS, type Method, type Proof } from '../../src/assurance/level.ts';
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

/** Every state that a flow can be in, and many that it never should be in. */
export function* allStates(): Generator<FlowState> {
  const accounts = [null, ...allAccounts()];
  for (const prompt of ['login', 'consent'] as const) {
    for (const account of accounts) {
      for (const proofs of allProofs()) {
        for (const demanded of LEVELS) {
          for (const passkeys of EITHER) {
            for (const codesToShow of EITHER) {
              for (const fewCodesLeft of EITHER) {
                const asked = { accountToSelect: false, demanded, postponable: null, passkeys };
                yield { prompt, account, proofs, ...asked, codesToShow, fewCodesLeft };
              }
            }
          }
        }
      }
    }
  }
}
