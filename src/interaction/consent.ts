import type { Audit } from '../audit/audit.ts';
import type { ConsentStore } from '../consents/store.ts';
import { Refusal } from '../lib/errors.ts';
import { consentItems, type DescribeApi } from '../web/consent-items.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, sendOn } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Interactions } from './interaction.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface ConsentStepDeps {
  interactions: Interactions;
  consents: ConsentStore;
  describeApi: DescribeApi;
  audit: Audit;
  csrf: Csrf;
  pages: Pages;
}

export function createConsentStep({
  interactions,
  consents,
  describeApi,
  audit,
  csrf,
  pages,
}: ConsentStepDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { account, client, requested, uiLocales } = interaction;
      if (!account || !requested) throw new Refusal('flow_expired', 400);
      const data = {
        ...frame(csrf, interaction, 'consent'),
        accountEmail: account.email,
        switchAction: interaction.canSwitch ? `${interactionPath(interaction)}/switch` : null,
        items: await consentItems(requested, describeApi, pages.texts(ctx, uiLocales)),
        terms: { policyUri: client.policyUri, tosUri: client.tosUri },
        selfRegistered: client.selfRegistered,
      };
      pages.send(ctx, 'consent', data, { uiLocales });
    },

    async submit(ctx, interaction, form) {
      const { account, client, requested, uiLocales } = interaction;
      if (!account || !requested) throw new Refusal('flow_expired', 400);
      const by = byVisitor(ctx.state, account.id);
      // Nothing but the button that says so allows anything.
      if (form.get('decision') !== 'allow') {
        await audit.write({ event: 'consent.denied', accountId: account.id, clientId: client.id }, by);
        return sendOn(pages, ctx, await interactions.abort(ctx, interaction), { uiLocales });
      }
      await consents.give(account.id, client.id, requested, by);
      sendOn(pages, ctx, await interactions.finishConsent(ctx, interaction), { uiLocales });
    },
  };
}
