import Router from '@koa/router';
import type { Context } from 'koa';
import { HOUR, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import { newSecret } from '../lib/ids.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { seeOther } from '../web/page.ts';
import { setRateHeaders, tooManyRequests } from '../web/rate-limit.ts';
import type { RequestState } from '../web/request-log.ts';
import type { SetupVisit } from './drafts.ts';
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
  const name = https ? '__Secure-gatewright-setup' : 'gatewright-setup';
  const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path: '/setup', overwrite: true } as const;

  function knownVisit(ctx: Context): SetupVisit | null {
    const id = ctx.cookies.get(name) ?? '';
    const [token, own] = id.split('.');
    return token && own ? { token, id } : null;
  }

  function visitOf(ctx: Context): SetupVisit {
    const visit = knownVisit(ctx);
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
    // Who opens the link again goes on where this browser was.
    const known = knownVisit(ctx);
    const id = known?.token === token ? known.id : `${token}.${newSecret('gwb')}`;
    ctx.cookies.set(name, id, { ...cookie, maxAge: toMilliseconds(HOUR) });
    seeOther(ctx, '/setup');
  });

  router.post('/:step', async (ctx) => {
    mark(ctx, '/setup/:step');
    const visit = visitOf(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, flowOf(visit), form);
    const over = await setup.submit(ctx, visit, csrf.token(flowOf(visit)), String(ctx['params']['step']), form);
    if (over) ctx.cookies.set(name, null, cookie);
  });
  return router;
}

function flowOf({ id }: SetupVisit): string {
  return `setup/${id}`;
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
