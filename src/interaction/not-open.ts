import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther, sendOn } from '../web/page.ts';
import type { Interactions } from './interaction.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface NotOpenDeps {
  interactions: Interactions;
  csrf: Csrf;
  pages: Pages;
}

/** The application is not open to whoever is signed in: they go back to it, or somebody else signs in. */
export function createNotOpenStep({ interactions, csrf, pages }: NotOpenDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { account, canSwitch, client, uiLocales } = interaction;
      if (!account) throw new Refusal('flow_expired', 400);
      const data = {
        ...frame(csrf, interaction, 'not-open'),
        ...{ accountEmail: account.email, applicationName: client.name, canSwitch },
      };
      pages.send(ctx, 'not-open', data, { uiLocales });
    },
    async submit(ctx, interaction) {
      const { canSwitch, uiLocales } = interaction;
      if (!canSwitch) return seeOther(ctx, interactionPath(interaction));
      sendOn(pages, ctx, await interactions.selectAgain(ctx, interaction), { uiLocales });
    },
  };
}
