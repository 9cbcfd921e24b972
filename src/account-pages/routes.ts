import Router from '@koa/router';
import type { Context } from 'koa';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { seeOther } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import { isFresh, type OwnSession, type OwnSessions } from './own-session.ts';
import { flowOf, type Part } from './section.ts';

export interface AccountRoutesDeps {
  sessions: OwnSessions;
  parts: Part[];
  csrf: Csrf;
  clock: Clock;
}

/**
 *   GET  /account, /account/:section    a page; who is not signed in is sent to sign in, and nothing is kept of it
 *   POST /account/:action               a form of one of them
 *   GET  /account/signed-in             back from there
 */
export function accountRoutes({ sessions, parts, csrf, clock }: AccountRoutesDeps): Router {
  const router = new Router({ prefix: '/account' });
  const sections = new Map(parts.flatMap((part) => Object.entries(part.sections ?? {})));
  const actions = new Map(parts.flatMap((part) => Object.entries(part.actions ?? {})));

  /** Null where the answer is set: the browser signs in first. */
  async function entered(ctx: Context, state: string, fresh: boolean): Promise<OwnSession | null> {
    const session = await sessions.find(ctx);
    if (session && (!fresh || isFresh(session, clock()))) return session;
    seeOther(ctx, sessions.signInHref(state, session));
    return null;
  }

  router.get('/signed-in', async (ctx) => {
    open(ctx, '/account/signed-in');
    const { state, error } = ctx.query;
    const session = await sessions.find(ctx);
    if (error !== undefined) return seeOther(ctx, session ? '/account' : '/');
    if (!session) throw new Refusal('flow_expired', 400);
    // Anybody can write this address: it leads to pages of ours alone.
    seeOther(ctx, typeof state === 'string' && sections.has(state) ? pathOf(state) : '/account');
  });

  router.get('{/*path}', async (ctx) => {
    const name = nameOf(ctx);
    const section = sections.get(name);
    open(ctx, section ? pathOf(name) : '/account/*');
    if (!section) throw new Refusal('not_found', 404);
    const session = await entered(ctx, name, section.fresh);
    if (session) await section.show(ctx, session);
  });

  router.post('{/*path}', async (ctx) => {
    const name = nameOf(ctx);
    const action = actions.get(name);
    open(ctx, action ? pathOf(name) : '/account/*');
    if (!action) throw new Refusal('not_found', 404);
    const form = await readForm(ctx);
    const session = await sessions.find(ctx);
    // It ended while the page was open, in another tab perhaps.
    if (!session) return seeOther(ctx, sessions.signInHref(action.on, null));
    csrf.check(ctx, flowOf(session), form);
    if (action.fresh && !isFresh(session, clock())) return seeOther(ctx, sessions.signInHref(action.on, session));
    await action.submit(ctx, session, form);
  });

  router.all('{/*path}', (ctx) => {
    open(ctx, '/account/*');
    throw new Refusal('not_found', 404);
  });
  return router;
}

function nameOf(ctx: Context): string {
  return ctx.path.slice('/account/'.length);
}

function pathOf(name: string): string {
  return name === '' ? '/account' : `/account/${name}`;
}

function open(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
  ctx.set('Cache-Control', 'no-store');
}
