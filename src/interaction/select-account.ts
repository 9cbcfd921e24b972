import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther, sendOn } from '../web/page.ts';
import { aboutAnother, type Interactions } from './interaction.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface SelectAccountDeps {
  interactions: Interactions;
  csrf: Csrf;
  pages: Pages;
}

/** Who goes on: whoever is signed in here, or somebody else. No other account is named, and no browser remembers any. */
export function createSelectAccountStep({ interactions, csrf, pages }: SelectAccountDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { signedIn, uiLocales } = interaction;
      const data = { ...frame(csrf, interaction, 'select-account'), accountEmail: signedIn?.email ?? '' };
      pages.send(ctx, 'select-account', data, { uiLocales });
    },

    async submit(ctx, interaction, form) {
      const { uiLocales, progress } = interaction;
      switch (form.get('account')) {
        case 'this':
          return sendOn(pages, ctx, await interactions.finishSelection(ctx, interaction), { uiLocales });
        case 'another':
          // Of the session that is there nothing counts for somebody else, "Stay signed in" neither.
          await interactions.record(interaction, { ...aboutAnother(progress), anotherAccount: true });
      }
      seeOther(ctx, interactionPath(interaction));
    },
  };
}
