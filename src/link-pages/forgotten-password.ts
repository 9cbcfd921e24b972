import Router from '@koa/router';
import type { Context } from 'koa';
import { isEmail, normalizeEmail } from '../accounts/account.ts';
import { HOUR } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { LinkStore } from '../links/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';

const PATH = '/forgotten-password';

export interface ForgottenPasswordDeps {
  links: LinkStore;
  attempts: Attempts;
  returns: ReturnCookie;
  csrf: Csrf;
  pages: Pages;
  https: boolean;
}

/** Asks for a link by which a new password is set. Whether anybody goes by what was typed shows nowhere. */
export function forgottenPasswordRoutes({
  links,
  attempts,
  returns,
  csrf,
  pages,
  https,
}: ForgottenPasswordDeps): Router {
  const router = new Router({ prefix: PATH });
  const visits = createVisitCookie({ name: 'gatewright-forgotten', path: PATH, https, lifetime: HOUR });
  const flowOf = ({ id }: Visit) => `forgotten-password/${id}`;

  function page(ctx: Context, visit: Visit, email: string, problem: Problem = null, status = 200): void {
    const data = { action: PATH, csrf: csrf.token(flowOf(visit)), email, backHref: returns.href(ctx), problem };
    pages.send(ctx, 'forgotten-password', data, { status });
  }

  router.get('/', (ctx) => {
    mark(ctx);
    returns.keep(ctx, ctx.query['flow']);
    page(ctx, visits.begin(ctx, ''), '');
  });

  router.post('/', async (ctx) => {
    mark(ctx);
    const visit = visits.known(ctx);
    if (!visit) throw new Refusal('flow_expired', 400);
    const form = await readForm(ctx);
    csrf.check(ctx, flowOf(visit), form);
    const typed = (form.get('email') ?? '').trim();
    const t = pages.texts(ctx);
    if (!isEmail(typed)) {
      const text = t(typed === '' ? 'problem.email-missing' : 'problem.email-shape');
      return page(ctx, visit, typed.slice(0, 254), { field: 'email', text }, 422);
    }
    const email = normalizeEmail(typed);
    try {
      await attempts.letter(email, (ctx.state as RequestState).address);
    } catch (err) {
      return page(ctx, visit, typed, ...tryLater(ctx, t, err));
    }
    const by = byVisitor(ctx.state, 'visitor');
    await links.ask({ purpose: 'password-reset', email, language: pages.language(ctx), by });
    pages.send(ctx, 'notice', {
      title: t('notice.reset-asked.heading'),
      paragraphs: [t('notice.reset-asked.what', { email: typed }), t('notice.reset-asked.hint')],
      next: { href: returns.href(ctx), label: t('notice.back-to-sign-in') },
    });
  });
  return router;
}

function mark(ctx: Context): void {
  (ctx.state as RequestState).route = PATH;
  ctx.set('Cache-Control', 'no-store');
}
