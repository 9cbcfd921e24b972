import { type FlowState, type Form, formsOf, nextStep, type Step } from './flow.ts';
import type { Interaction } from './interaction.ts';

/** What comes next in an interaction, and the forms that it can be done with: the first is what is shown. */
export function due(interaction: Interaction): { step: Step; forms: Form[] } {
  const { prompt, signedIn, account, demanded, postponable, passkeys, progress } = interaction;
  const state: FlowState = {
    ...{ prompt, account, demanded, passkeys, postponable: postponable?.level ?? null },
    accountToSelect: signedIn !== null,
    proofs: progress.proofs,
    codesToShow: progress.recoveryCodes !== null,
    fewCodesLeft: progress.codesLeft !== null,
  };
  const step = nextStep(state);
  return { step, forms: formsOf(step, state) };
}
