import Router from '@koa/router';
import type { Context } from 'koa';
import { DAY } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import { sha256 } from '../lib/hash.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { Purpose } from '../links/link.ts';
import type { LinkStore } from '../links/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { seeOther } from '../web/page.ts';
import { setRateHeaders, tooManyRequests } from '../web/rate-limit.ts';
import type { RequestState } from '../web/request-log.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface LinkRoutesDeps {
  links: LinkStore;
  pages: Record<Purpose, LinkPage>;
  csrf: Csrf;
  limits: RequestLimits;
  https: boolean;
}

/**
 *   GET  /link/:token   a mailed link; the token moves into a cookie and out of the address
 *   GET  /link          the page of what it is for
 *   POST /link          does that, once
 */
export function linkRoutes({ links, pages, csrf, limits, https }: LinkRoutesDeps): Router {
  const router = new Router({ prefix: '/link' });
  const visits = createVisitCookie({ name: 'gatewright-link', path: '/link', https, lifetime: DAY });

  async function open({ token, id }: Visit): Promise<OpenedLink> {
    const tokenHash = sha256(token);
    const link = await links.open(tokenHash);
    if (!link) throw new Refusal('link_spent', 410);
    return { link, tokenHash, csrf: csrf.token(flowOf(id)) };
  }

  function visitOf(ctx: Context): Visit {
    const visit = visits.known(ctx);
    if (!visit) throw new Refusal('link_spent', 410);
    return visit;
  }

  router.use(async (ctx, next) => {
    mark(ctx, '/link');
    ctx.set('Cache-Control', 'no-store');
    const standing = await limits.address('link', (ctx.state as RequestState).address);
    if (standing) setRateHeaders(ctx, standing);
    if (standing?.over) throw tooManyRequests(standing);
    return next();
  });

  router.get('/', async (ctx) => {
    const opened = await open(visitOf(ctx));
    await pages[opened.link.purpose].show(ctx, opened);
  });

  router.get('/:token', async (ctx) => {
    mark(ctx, '/link/:token');
    ctx.set('Referrer-Policy', 'no-referrer');
    const token = String(ctx['params']['token']);
    if (!(await links.open(sha256(token)))) throw new Refusal('link_spent', 410);
    visits.begin(ctx, token);
    seeOther(ctx, '/link');
  });

  router.post('/', async (ctx) => {
    const visit = visitOf(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, flowOf(visit.id), form);
    const opened = await open(visit);
    if (await pages[opened.link.purpose].submit(ctx, opened, form)) visits.end(ctx);
  });
  return router;
}

function flowOf(id: string): string {
  return `link/${id}`;
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
