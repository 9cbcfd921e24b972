import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { RequestState } from '../web/request-log.ts';
import { withPublicClientId, withTokenAlias } from './presented-token.ts';
import { ROUTES } from './settings.ts';

const WELL_KNOWN = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
const PATHS: readonly string[] = [
  ...Object.values(ROUTES),
  ...WELL_KNOWN,
  `${ROUTES.end_session}/confirm`,
  `${ROUTES.end_session}/success`,
];
const LARGEST_BODY = 56 * 1024;

/** Hands the library the requests that are its own. `current` changes when the signing keys do. */
export function oidcHost(current: () => Provider): Middleware {
  return async (ctx, next) => {
    const route = PATHS.find((path) => path === ctx.path) ?? resumeRoute(ctx.path);
    if (!route) return next();
    (ctx.state as RequestState).route = route;

    if (Number(ctx.get('content-length')) > LARGEST_BODY) {
      ctx.status = 413;
      ctx.set('Connection', 'close');
      ctx.body = { error: 'invalid_request', error_description: `the body may have ${LARGEST_BODY} bytes at most` };
      return;
    }
    let req = await withPublicClientId(ctx.req);
    if (route === ROUTES.introspection || route === ROUTES.revocation) req = await withTokenAlias(req);

    // The library answers by itself; our headers are on the response already.
    ctx.respond = false;
    await current().callback()(req, ctx.res);
  };
}

function resumeRoute(path: string): string | undefined {
  return path.startsWith(`${ROUTES.authorization}/`) ? `${ROUTES.authorization}/:uid` : undefined;
}
