import Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { type Pages, seeOther, sendOn } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import { due } from './due.ts';
import type { Form } from './flow.ts';
import type { Interaction, Interactions } from './interaction.ts';
import type { BrowserCookie } from './known-browser.ts';
import { interactionPath, type StepPage, signUpPath } from './step.ts';

export interface InteractionRoutesDeps {
  interactions: Interactions;
  forms: Forms;
  knownBrowser: BrowserCookie;
  csrf: Csrf;
  pages: Pages;
}

export type Forms = Record<Form, StepPage>;

/**
 *   GET  /interaction/:uid          whatever nextStep says comes next
 *   POST /interaction/:uid/:form    one form of that step; it answers with a page or a redirect to the GET
 *   POST /interaction/:uid/switch   from the consent page to the choice of an account
 *   POST /interaction/:uid/cancel   back to the application
 */
export function interactionRoutes(deps: InteractionRoutesDeps): Router {
  const { interactions, forms, knownBrowser, csrf, pages } = deps;
  const router = new Router({ prefix: '/interaction' });

  /** The form that the person has chosen. Null where the step that is due has no such form. */
  function chosenOf(open: Form[], chosen: unknown): StepPage | null {
    const form = open.find((name) => name === chosen);
    return forms[form as keyof Forms] ?? null;
  }

  router.get('/:uid', async (ctx) => {
    mark(ctx, '/interaction/:uid');
    const interaction = await interactions.load(ctx);
    const { step, forms: open } = due(interaction);
    // Where the application asks for an account, once: whoever comes back from there has one, or signs in with another.
    if (step === 'sign-in' && ctx.query['prompt'] === 'create') return seeOther(ctx, signUpPath(interaction));
    const page = chosenOf(open, ctx.query['method']) ?? chosenOf(open, open[0]);
    if (page) return page.show(ctx, interaction);
    const { uiLocales } = interaction;
    // What is demanded of this account cannot be given here.
    if (step !== 'done') return sendOn(pages, ctx, await interactions.abort(ctx, interaction, 'unmet'), { uiLocales });
    // What is handed over is let in at the resume address, whatever fails after it: its owner is told before.
    const href = await interactions.finishLogin(ctx, interaction, () => knownBrowser.remember(ctx, interaction));
    return sendOn(pages, ctx, href, { uiLocales });
  });

  router.post('/:uid/:form', async (ctx) => {
    mark(ctx, '/interaction/:uid/:form');
    // First, since it takes as long as its sender likes: what is looked at before it may have ended meanwhile.
    const form = await readForm(ctx);
    const interaction = await interactions.load(ctx);
    csrf.check(ctx, interaction.uid, form);

    const { uiLocales } = interaction;
    const { step, forms: open } = due(interaction);
    if (ctx['params']['form'] === 'cancel') {
      return sendOn(pages, ctx, await interactions.abort(ctx, interaction, reasonOf(interaction, open)), { uiLocales });
    }
    if (ctx['params']['form'] === 'switch' && step === 'consent' && interaction.canSwitch) {
      return sendOn(pages, ctx, await interactions.selectAgain(ctx, interaction), { uiLocales });
    }
    const page = chosenOf(open, ctx['params']['form']);
    // A form for another step is stale: the browser is shown the step that is due instead.
    if (!page) return seeOther(ctx, interactionPath(interaction));
    return page.submit(ctx, interaction, form);
  });

  router.all('/{*rest}', (ctx) => {
    mark(ctx, '/interaction/*');
    throw new Refusal('not_found', 404);
  });
  return router;
}

/** Whoever was asked, for this application, for a factor that they do not have, and leaves, cannot or will not have one. */
function reasonOf({ prompt, demandedBy }: Interaction, open: Form[]): 'declined' | 'unmet' | 'not-open' {
  if (prompt === 'not-open') return prompt;
  const enrols = open.includes('totp-enrolment') || open.includes('passkey-enrolment');
  return enrols && demandedBy === 'client' ? 'unmet' : 'declined';
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
