import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import type { Interactions } from './interaction.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface RecoveryCodesDeps {
  interactions: Interactions;
  csrf: Csrf;
  pages: Pages;
}

/** New codes are shown until the person says that they are kept, then never again. */
export function createRecoveryCodesStep({ interactions, csrf, pages }: RecoveryCodesDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { progress, uiLocales } = interaction;
      const codes = progress.recoveryCodes ?? [];
      pages.send(ctx, 'recovery-codes', { ...frame(csrf, interaction, 'recovery-codes'), codes }, { uiLocales });
    },
    async submit(ctx, interaction) {
      await interactions.record(interaction, { ...interaction.progress, recoveryCodes: null });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}

/** After a recovery code was used: how many are left, where they are few. */
export function createCodesLeftStep({ interactions, csrf, pages }: RecoveryCodesDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { progress, uiLocales } = interaction;
      const left = progress.codesLeft ?? 0;
      pages.send(
        ctx,
        'recovery-codes-left',
        { ...frame(csrf, interaction, 'recovery-codes-left'), left },
        { uiLocales },
      );
    },
    async submit(ctx, interaction) {
      await interactions.record(interaction, { ...interaction.progress, codesLeft: null });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}
