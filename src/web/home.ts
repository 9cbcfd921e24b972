import type { Middleware } from 'koa';
import type { Pages } from './page.ts';
import type { RequestState } from './request-log.ts';

const DISCOVERY = '/.well-known/openid-configuration';

/** What a stranger sees who opens the address of this server. */
export function homePage({ pages, issuer }: { pages: Pages; issuer: string }): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    (ctx.state as RequestState).route = '/';
    pages.send(ctx, 'home', { issuer, discoveryHref: DISCOVERY });
  };
}
