import type { Audit } from '../audit/audit.ts';
import type { Consent, ConsentStore } from '../consents/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, sendOn } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Translate } from '../web/texts.ts';
import type { ConsentItem } from '../web/view-data.ts';
import type { Interactions } from './interaction.ts';
import { frame, interactionPath, type StepPage } from './step.ts';

export interface ConsentStepDeps {
  interactions: Interactions;
  consents: ConsentStore;
  audit: Audit;
  csrf: Csrf;
  pages: Pages;
}

const WITH_DETAIL = ['openid', 'profile', 'offline_access'];
const WITH_TITLE = [...WITH_DETAIL, 'email', 'phone', 'address'];

export function createConsentStep({ interactions, consents, audit, csrf, pages }: ConsentStepDeps): StepPage {
  return {
    async show(ctx, interaction) {
      const { account, client, requested, uiLocales } = interaction;
      if (!account || !requested) throw new Refusal('flow_expired', 400);
      const data = {
        ...frame(csrf, interaction, 'consent'),
        accountEmail: account.email,
        switchAction: interaction.canSwitch ? `${interactionPath(interaction)}/switch` : null,
        items: itemsOf(requested, pages.texts(ctx, uiLocales)),
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

/** What the application asks for, in plain words: each scope once, an API's with the API's name, then single claims. */
function itemsOf({ scopes, claims, resources }: Consent, t: Translate): ConsentItem[] {
  const own = scopes.map((scope) => ({
    title: WITH_TITLE.includes(scope) ? t(`scope.${scope}.title`) : t('scope.other.title', { scope }),
    detail: WITH_DETAIL.includes(scope) ? t(`scope.${scope}.detail`) : null,
  }));
  const ofApis = Object.entries(resources).flatMap(([audience, asked]) =>
    asked
      .filter((scope) => !scopes.includes(scope))
      .map((scope) => ({ title: t('scope.other.title', { scope }), detail: audience })),
  );
  const single = claims.map((claim) => ({ title: t('scope.other.title', { scope: claim }), detail: null }));
  return [...own, ...ofApis, ...single];
}
