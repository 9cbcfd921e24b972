import { domainToUnicode } from 'node:url';
import Router from '@koa/router';
import type { Context } from 'koa';
import { isEmail, normalizeEmail } from '../accounts/account.ts';
import { HOUR } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import { admits, newcomerAddress, type SignUpRules } from '../links/sign-up.ts';
import type { LinkStore } from '../links/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';

const PATH = '/sign-up';

export interface SignUpDeps {
  links: LinkStore;
  signUp: SignUpRules;
  attempts: Attempts;
  returns: ReturnCookie;
  csrf: Csrf;
  pages: Pages;
  https: boolean;
}

/** Asks for a link by which an account is made. Whether somebody has one at that address shows nowhere. */
export function signUpRoutes({ links, signUp, attempts, returns, csrf, pages, https }: SignUpDeps): Router {
  const router = new Router({ prefix: PATH });
  const visits = createVisitCookie({ name: 'gatewright-sign-up', path: PATH, https, lifetime: HOUR });
  const flowOf = ({ id }: Visit) => `sign-up/${id}`;
  const domains = signUp.domains.map(domainToUnicode).join(', ');

  function page(ctx: Context, visit: Visit, email: string, problem: Problem = null, status = 200): void {
    const data = {
      action: PATH,
      csrf: csrf.token(flowOf(visit)),
      email,
      domains,
      backHref: returns.href(ctx),
      problem,
    };
    pages.send(ctx, 'sign-up', data, { status });
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
    const refuse = (text: string) => page(ctx, visit, typed.slice(0, 254), { field: 'email', text }, 422);
    const written = isEmail(typed) ? newcomerAddress(typed) : null;
    if (written === null) return refuse(t(typed === '' ? 'problem.email-missing' : 'problem.email-shape'));
    // The rule is public: it says nothing of who has an account.
    if (!admits(signUp, 'sign-up', written)) return refuse(t('problem.sign-up-domain', { domains }));
    const email = normalizeEmail(written);
    try {
      await attempts.letter(email, (ctx.state as RequestState).address);
    } catch (err) {
      return page(ctx, visit, typed, ...tryLater(ctx, t, err));
    }
    const by = byVisitor(ctx.state, 'visitor');
    await links.ask({ purpose: 'sign-up', email, written, language: pages.language(ctx), by });
    pages.send(ctx, 'notice', {
      title: t('notice.sign-up-asked.heading'),
      paragraphs: [t('notice.sign-up-asked.what', { email: written }), t('notice.sign-up-asked.hint')],
      next: { href: returns.href(ctx), label: t('notice.back-to-sign-in') },
    });
  });
  return router;
}

function mark(ctx: Context): void {
  (ctx.state as RequestState).route = PATH;
  ctx.set('Cache-Control', 'no-store');
}
