import Router from '@koa/router';
import type { Context } from 'koa';
import { HOUR } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { seeOther } from '../web/page.ts';
import { setRateHeaders, tooManyRequests } from '../web/rate-limit.ts';
import type { RequestState } from '../web/request-log.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';
import type { Setup } from './setup.ts';

/**
 *   GET  /setup/:token          the one-time link; the token moves into a cookie and out of the address, and beside it
 *                               stands a value of this browser's own
 *   GET  /setup                 whatever is next
 *   POST /setup/account|totp|recovery-codes
 */
export function setupRoutes({
  setup,
  csrf,
  limits,
  https,
}: {
  setup: Setup;
  csrf: Csrf;
  limits: RequestLimits;
  https: boolean;
}): Router {
  const router = new Router({ prefix: '/setup' });
  const visits = createVisitCookie({ name: 'gatewright-setup', path: '/setup', https, lifetime: HOUR });

  function visitOf(ctx: Context): Visit {
    const visit = visits.known(ctx);
    if (!visit) throw new Refusal('setup_link_spent', 410);
    return visit;
  }

  router.use(async (ctx, next) => {
    mark(ctx, '/setup');
    const standing = await limits.address('setup', (ctx.state as RequestState).address);
    if (standing) setRateHeaders(ctx, standing);
    if (standing?.over) throw tooManyRequests(standing);
    return next();
  });

  router.get('/', async (ctx) => {
    mark(ctx, '/setup');
    const visit = visitOf(ctx);
    await setup.show(ctx, visit, csrf.token(flowOf(visit)));
  });

  router.get('/:token', async (ctx) => {
    mark(ctx, '/setup/:token');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cache-Control', 'no-store');
    const token = String(ctx['params']['token']);
    if (!(await setup.isOpen(token))) throw new Refusal('setup_link_spent', 410);
    visits.begin(ctx, token);
    seeOther(ctx, '/setup');
  });

  router.post('/:step', async (ctx) => {
    mark(ctx, '/setup/:step');
    const visit = visitOf(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, flowOf(visit), form);
    const over = await setup.submit(ctx, visit, csrf.token(flowOf(visit)), String(ctx['params']['step']), form);
    if (over) visits.end(ctx);
  });
  return router;
}

function flowOf({ id }: Visit): string {
  return `setup/${id}`;
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
