import type { EventEmitter } from 'node:events';
import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { Refusal } from '../lib/errors.ts';
import { readForm } from '../web/form.ts';
import { isLostConnection } from '../web/lost-connection.ts';
import { seeOther } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import { withApiKeyClientId, withPublicClientId } from './client-id-in-body.ts';
import { LARGEST_FORM, replay, withLength } from './form-request.ts';
import { takeHandedOver } from './hand-over.ts';
import { withTokenAlias } from './presented-token.ts';
import type { RequestGuard } from './request-guard.ts';
import { ROUTES } from './routes.ts';
import { asVisitor } from './visitor.ts';

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
const PATHS: readonly string[] = [
  ...Object.values(ROUTES).filter((route) => route !== ROUTES.code_verification),
  ...WELL_KNOWN,
  `${ROUTES.end_session}/confirm`,
  `${ROUTES.end_session}/success`,
];
const POSTED: readonly string[] = [
  ...[ROUTES.token, ROUTES.introspection, ROUTES.revocation, ROUTES.pushed_authorization_request],
  ROUTES.device_authorization,
  `${ROUTES.end_session}/confirm`,
];
const FRONT_CHANNEL: readonly string[] = [ROUTES.authorization, ROUTES.end_session];
/** What servers and proxies commonly take for one line. */
const LONGEST_ADDRESS = 7 * 1024;
/** What is stored, and sent by public clients without proving anything. */
const STORED: readonly string[] = [ROUTES.pushed_authorization_request, ROUTES.device_authorization];
const LARGEST_STORED_REQUEST = 16 * 1024;

/** Hands the library the requests that are its own. `current` changes when the signing keys do. */
export function oidcHost(current: () => Provider, guard: RequestGuard): Middleware {
  return async (ctx, next) => {
    const route = PATHS.find((path) => path === ctx.path) ?? resumeRoute(ctx.path);
    if (!route) return next();
    (ctx.state as RequestState).route = route;
    // Their addresses may carry an ID token.
    if (FRONT_CHANNEL.includes(route)) ctx.set('Referrer-Policy', 'no-referrer');
    if (ctx.method === 'POST' && FRONT_CHANNEL.includes(route)) {
      // Core 3.1.2.1, RP-Initiated Logout 1.0 2. A POST from another site carries none of our cookies (SameSite=Lax); the
      // GET that it becomes does.
      const href = `${route}?${await readForm(ctx)}`;
      if (href.length > LONGEST_ADDRESS) throw new Refusal('body_too_large', 413);
      // It may carry an ID token.
      ctx.set('Cache-Control', 'no-store');
      return seeOther(ctx, href);
    }
    // The library would answer two words without a page and without the id of the request.
    if (!isServed(route, ctx.method, ctx.get('access-control-request-method'))) return next();

    const isStored = STORED.includes(route);
    const largest = isStored ? LARGEST_STORED_REQUEST : LARGEST_FORM;
    const sent = isStored ? await withLength(ctx.req) : ctx.req;
    if (Number(sent.headers['content-length']) > largest) {
      ctx.status = 413;
      ctx.set('Connection', 'close');
      ctx.body = { error: 'invalid_request', error_description: `the body may have ${largest} bytes at most` };
      return;
    }
    const named = await withPublicClientId(sent);
    const from = route === ROUTES.token ? await withApiKeyClientId(named) : named;
    const admitted = await guard.admit(ctx, route, from);
    if (!admitted) return;
    let { req } = admitted;
    if (route === ROUTES.introspection || route === ROUTES.revocation) req = await withTokenAlias(req);

    // The library answers by itself; our headers are on the response already.
    ctx.respond = false;
    const provider = current();
    // Unheard, it would print them; that a connection broke off is reported by our own part of it.
    if ((provider as EventEmitter).listenerCount('error') === 0) {
      (provider as EventEmitter).on('error', (err: NodeJS.ErrnoException) => {
        if (!isLostConnection(err)) ctx.app.emit('error', err);
      });
    }
    await asVisitor(ctx, async () => {
      await provider.callback()(req, ctx.res);
      const form = takeHandedOver(ctx.res);
      if (form !== null) await current().callback()(replay(req, form), ctx.res);
    });
    admitted.settle();
  };
}

function isServed(route: string, method: string, preflightFor: string): boolean {
  if (method === 'OPTIONS') return preflightFor !== '';
  const isRead = method === 'GET' || method === 'HEAD';
  if (route === ROUTES.userinfo) return isRead || method === 'POST';
  return POSTED.includes(route) ? method === 'POST' : isRead;
}

function resumeRoute(path: string): string | undefined {
  if (/^\/oauth2\/authorize\/[^/]+$/.test(path)) return `${ROUTES.authorization}/:uid`;
  return /^\/device\/(?!decision$)[^/]+$/.test(path) ? `${ROUTES.code_verification}/:uid` : undefined;
}
