import type { Middleware } from 'koa';
import type { Seconds } from '../lib/duration.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { ProviderPages } from './views.ts';

type OidcContext = Parameters<Middleware>[0] & {
  oidc?: {
    route: string;
    params?: { response_mode?: string };
    session?: { uid: string; destroyed?: boolean };
    client?: { clientId: string };
  };
};

export interface ResponsesDeps {
  pages: ProviderPages;
  artifacts: ArtifactStore;
  jwksCache: Seconds;
}

/** What the library's answers lack. */
export function finishResponses({ pages, artifacts, jwksCache }: ResponsesDeps): Middleware {
  return async (ctx: OidcContext, next) => {
    await next();
    const route = ctx.oidc?.route;

    if (route === 'jwks' || route === 'discovery') {
      ctx.set('Cache-Control', `public, max-age=${jwksCache}`);
    }
    // The form's redirects would end at the relying party, which `form-action` forbids: a page in between ends them.
    if (route === 'end_session_confirm' && ctx.status === 303) {
      const href = ctx.response.get('location');
      ctx.remove('Location');
      pages.sendOn(ctx, href);
    }
    // "Stay signed in" signs out of one application; rows are only ever added to by saving the session.
    const { session, client } = ctx.oidc ?? {};
    if (route === 'end_session_confirm' && session && client && !session.destroyed) {
      await artifacts.dropAuthorization(session.uid, client.clientId);
    }
    // OAuth 2.0 Form Post Response Mode: the page is one form, to the relying party.
    if ((route === 'authorization' || route === 'resume') && ctx.oidc?.params?.response_mode === 'form_post') {
      const policy = ctx.response.get('content-security-policy');
      ctx.set('Content-Security-Policy', policy.replace(/;?\s*form-action [^;]*/, ''));
    }
  };
}
