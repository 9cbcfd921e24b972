import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface NotOpenDeps {
  csrf: Csrf;
  pages: Pages;
}

/** The application is not open to whoever is signed in: they go back to it, or somebody else signs in. */
export function createNotOpenStep({ csrf, pages }: NotOpenDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { account, canSwitch, client, uiLocales } = interaction;
      if (!account) throw new Refusal('flow_expired', 400);
      const data = {
        ...frame(csrf, interaction, 'not-open'),
        switchAction: canSwitch ? `${interactionPath(interaction)}/switch` : null,
        ...{ accountEmail: account.email, applicationName: client.name },
      };
      pages.send(ctx, 'not-open', data, { uiLocales });
    },
    // Both of its buttons belong to every page of this kind.
    submit: async (ctx, interaction) => seeOther(ctx, interactionPath(interaction)),
  };
}
