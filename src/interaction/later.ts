import type { AccountStore } from '../accounts/store.ts';
import { seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { LaterOffer } from '../web/view-data.ts';
import { due } from './due.ts';
import type { Interaction, Interactions } from './interaction.ts';
import { interactionPath, type StepPage } from './step.ts';

export interface LaterDeps {
  interactions: Interactions;
  accounts: AccountStore;
}

/** For the pages that ask for a factor: whoever may put it off, and until when. */
export function laterOffer(interaction: Interaction): LaterOffer | null {
  const { postponable } = interaction;
  if (postponable === null || !due(interaction).forms.includes('later')) return null;
  return { action: `${interactionPath(interaction)}/later`, until: new Date(postponable.until).toISOString() };
}

/** "Not now": the sign-in goes on at the level that was proved. */
export function createLaterStep({ interactions, accounts }: LaterDeps): StepPage {
  return {
    // It has no page of its own.
    async show(ctx, interaction) {
      seeOther(ctx, interactionPath(interaction));
    },
    async submit(ctx, interaction) {
      const { account, postponable, progress } = interaction;
      if (!account || !postponable) throw new Error('something is put off that cannot be');
      // Once. Where another tab was first, what it wrote holds; where the account changed, no proof counts any more.
      if (account.enrolmentDueAt === null) {
        await accounts.postponeEnrolment(account, postponable.until, byVisitor(ctx.state, account.id));
      }
      await interactions.record(interaction, { ...progress, postponed: true });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}
