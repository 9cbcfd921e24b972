import Router from '@koa/router';
import type { Context } from 'koa';
import { HOUR, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { seeOther } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import type { Setup } from './setup.ts';

/**
 *   GET  /setup/:token          the one-time link; the token moves into a cookie and out of the address
 *   GET  /setup                 whatever is next
 *   POST /setup/account|totp|recovery-codes
 */
export function setupRoutes({ setup, csrf, https }: { setup: Setup; csrf: Csrf; https: boolean }): Router {
  const router = new Router({ prefix: '/setup' });
  const name = https ? '__Secure-gatewright-setup' : 'gatewright-setup';
  const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path: '/setup', overwrite: true } as const;

  function tokenOf(ctx: Context): string {
    const token = ctx.cookies.get(name);
    if (!token) throw new Refusal('setup_link_spent', 410);
    return token;
  }

  router.get('/', async (ctx) => {
    mark(ctx, '/setup');
    const token = tokenOf(ctx);
    await setup.show(ctx, token, csrf.token(flowOf(token)));
  });

  router.get('/:token', async (ctx) => {
    mark(ctx, '/setup/:token');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cache-Control', 'no-store');
    const token = String(ctx['params']['token']);
    if (!(await setup.isOpen(token))) throw new Refusal('setup_link_spent', 410);
    ctx.cookies.set(name, token, { ...cookie, maxAge: toMilliseconds(HOUR) });
    seeOther(ctx, '/setup');
  });

  router.post('/:step', async (ctx) => {
    mark(ctx, '/setup/:step');
    const token = tokenOf(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, flowOf(token), form);
    const over = await setup.submit(ctx, token, csrf.token(flowOf(token)), String(ctx['params']['step']), form);
    if (over) ctx.cookies.set(name, null, cookie);
  });
  return router;
}

function flowOf(token: string): string {
  return `setup/${token}`;
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
