import Router from '@koa/router';
import type { Context } from 'koa';
import { normalizeEmail } from '../accounts/account.ts';
import { HOUR } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { LinkStore } from '../links/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import type { Translate } from '../web/texts.ts';
import { tryLater } from '../web/try-later.ts';
import type { NoticeView, Problem } from '../web/view-data.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';

export interface AddressFormDeps {
  links: LinkStore;
  attempts: Attempts;
  returns: ReturnCookie;
  csrf: Csrf;
  pages: Pages;
  https: boolean;
}

/** What tells one page on which an address is typed from another. */
export interface AddressForm {
  path: string;
  cookie: string;
  purpose: 'password-reset' | 'sign-up';
  show(ctx: Context, form: AddressFormData, status: number): void;
  /** The address as letters are to be written to it, or what is wrong with it. */
  read(typed: string, t: Translate): { written: string } | { refused: string };
  /** The same for everybody. */
  asked(written: string, t: Translate): Pick<NoticeView, 'title' | 'paragraphs'>;
}

interface AddressFormData {
  action: string;
  csrf: string;
  email: string;
  backHref: string;
  problem: Problem;
}

const LONGEST_SHOWN = 254;

/** Asks for a link to an address that anybody may type. Whether somebody goes by it shows nowhere. */
export function addressFormRoutes(deps: AddressFormDeps, form: AddressForm): Router {
  const { links, attempts, returns, csrf, pages, https } = deps;
  const { path, cookie, purpose } = form;
  const router = new Router({ prefix: path });
  const visits = createVisitCookie({ name: cookie, path, https, lifetime: HOUR });
  const flowOf = ({ id }: Visit) => `${purpose}/${id}`;

  function page(ctx: Context, visit: Visit, email: string, problem: Problem = null, status = 200): void {
    const own = { action: path, csrf: csrf.token(flowOf(visit)), backHref: returns.href(ctx) };
    form.show(ctx, { ...own, email: email.slice(0, LONGEST_SHOWN), problem }, status);
  }

  router.use((ctx, next) => {
    (ctx.state as RequestState).route = path;
    ctx.set('Cache-Control', 'no-store');
    return next();
  });

  router.get('/', (ctx) => {
    returns.keep(ctx, ctx.query['flow']);
    page(ctx, visits.begin(ctx, ''), '');
  });

  router.post('/', async (ctx) => {
    const visit = visits.known(ctx);
    if (!visit) throw new Refusal('flow_expired', 400);
    const fields = await readForm(ctx);
    csrf.check(ctx, flowOf(visit), fields);
    const typed = (fields.get('email') ?? '').trim();
    const t = pages.texts(ctx);
    const read = form.read(typed, t);
    if ('refused' in read) return page(ctx, visit, typed, { field: 'email', text: read.refused }, 422);
    const { written } = read;
    const email = normalizeEmail(written);
    try {
      await attempts.letter(email, (ctx.state as RequestState).address);
    } catch (err) {
      return page(ctx, visit, typed, ...tryLater(ctx, t, err));
    }
    const by = byVisitor(ctx.state, 'visitor');
    await links.ask({ purpose, email, written, language: pages.language(ctx), by });
    const next = { href: returns.href(ctx), label: t('notice.back-to-sign-in') };
    pages.send(ctx, 'notice', { ...form.asked(written, t), next });
  });
  return router;
}
