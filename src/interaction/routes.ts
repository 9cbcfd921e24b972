import Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { type Pages, seeOther, sendOn } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import { nextStep, type Step } from './flow.ts';
import type { Interaction, Interactions } from './interaction.ts';
import type { BrowserCookie } from './known-browser.ts';
import { interactionPath, type StepPage, signUpPath } from './step.ts';

export interface InteractionRoutesDeps {
  interactions: Interactions;
  steps: Record<Exclude<Step, 'done'>, StepPage>;
  /** Instead of the authenticator's code. */
  recoveryCode: StepPage;
  knownBrowser: BrowserCookie;
  csrf: Csrf;
  pages: Pages;
}

/**
 *   GET  /interaction/:uid          whatever nextStep says comes next
 *   POST /interaction/:uid/:step    one step's form; it answers with a page or a redirect to the GET
 *   POST /interaction/:uid/cancel   back to the application
 */
export function interactionRoutes(deps: InteractionRoutesDeps): Router {
  const { interactions, steps, recoveryCode, knownBrowser, csrf, pages } = deps;
  const router = new Router({ prefix: '/interaction' });

  /** The page that is due, and the one in its place that the person may choose. */
  function pageOf(step: Exclude<Step, 'done'>, chosen: unknown): StepPage | null {
    if (step === 'totp' && chosen === 'recovery-code') return recoveryCode;
    return chosen === undefined || chosen === step ? steps[step] : null;
  }

  router.get('/:uid', async (ctx) => {
    mark(ctx, '/interaction/:uid');
    const interaction = await interactions.load(ctx);
    const step = stepOf(interaction);
    // Where the application asks for an account, once: whoever comes back from there has one, or signs in with another.
    if (step === 'password' && ctx.query['prompt'] === 'create') return seeOther(ctx, signUpPath(interaction));
    if (step !== 'done') return (pageOf(step, ctx.query['method']) ?? steps[step]).show(ctx, interaction);
    const { uiLocales } = interaction;
    // What is handed over is let in at the resume address, whatever fails after it: its owner is told before.
    const href = await interactions.finishLogin(ctx, interaction, () => knownBrowser.remember(ctx, interaction));
    return sendOn(pages, ctx, href, { uiLocales });
  });

  router.post('/:uid/:step', async (ctx) => {
    mark(ctx, '/interaction/:uid/:step');
    const interaction = await interactions.load(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, interaction.uid, form);

    if (ctx['params']['step'] === 'cancel') {
      const { uiLocales } = interaction;
      return sendOn(pages, ctx, await interactions.abort(ctx, interaction), { uiLocales });
    }
    const step = stepOf(interaction);
    const page = step === 'done' ? null : pageOf(step, ctx['params']['step']);
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

function stepOf({ prompt, account, demanded, progress }: Interaction): Step {
  const { proofs, factorsVersion, recoveryCodes, codesLeft } = progress;
  return nextStep({
    prompt,
    account,
    proofs,
    passwordHere: factorsVersion !== null,
    demanded,
    codesToShow: recoveryCodes !== null,
    fewCodesLeft: codesLeft !== null,
  });
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
