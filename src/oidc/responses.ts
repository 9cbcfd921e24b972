import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Seconds } from '../lib/duration.ts';
import { POLL_INTERVAL } from '../limits/request-limits.ts';
import type { ProviderEvents } from './events.ts';
import { pointToMetadata } from './resource-metadata.ts';
import type { SessionEnds } from './session-ends.ts';
import type { ProviderPages } from './views.ts';

type OidcContext = Parameters<Middleware>[0] & {
  oidc?: {
    route: string;
    params?: { response_mode?: string; logout?: string };
    session?: { uid: string };
    client?: { clientId: string };
  };
};

export interface ResponsesDeps {
  issuer: string;
  pages: ProviderPages;
  events: ProviderEvents;
  sessionEnds: SessionEnds;
  jwksCache: Seconds;
}

/** What the library's answers lack. */
export function finishResponses({ issuer, pages, events, sessionEnds, jwksCache }: ResponsesDeps): Middleware {
  /** "Stay signed in": the library forgets the application in the session it holds, but rows are only ever added to. */
  async function signOutOfOne({ oidc }: OidcContext): Promise<void> {
    const { session, client, params } = oidc ?? {};
    if (session && client && !params?.logout) await sessionEnds.endAuthorization(session.uid, client.clientId);
  }

  return async (ctx: OidcContext, next) => {
    await next();
    const route = ctx.oidc?.route;

    // RFC 8628 3.2: the library leaves the default unsaid.
    if (route === 'device_authorization' && ctx.status === 200) {
      Object.assign(ctx.body as object, { interval: POLL_INTERVAL });
    }
    if (route === 'jwks' || route === 'discovery') {
      ctx.set('Cache-Control', `public, max-age=${jwksCache}`);
    }
    if (route === 'userinfo') pointToMetadata(ctx, issuer);
    // `none` is there for the account pages alone (account-client.ts).
    if (route === 'discovery' && ctx.status === 200)
      Object.assign(ctx.body as object, { response_types_supported: ['code'] });
    // The form's redirects would end at the relying party, which `form-action` forbids: a page in between ends them.
    if (route === 'end_session_confirm' && ctx.status === 303) {
      const href = ctx.response.get('location');
      ctx.remove('Location');
      await signOutOfOne(ctx).then(
        () => pages.sendOn(ctx, href),
        (err: Error) => {
          ctx.status = 500;
          events.failed(ctx as KoaContextWithOIDC, err);
          pages.error(ctx as KoaContextWithOIDC, { error: 'server_error' }, err);
        },
      );
    }
    // OAuth 2.0 Form Post Response Mode: the page is one form, to the relying party.
    if ((route === 'authorization' || route === 'resume') && ctx.oidc?.params?.response_mode === 'form_post') {
      const policy = ctx.response.get('content-security-policy');
      ctx.set('Content-Security-Policy', policy.replace(/;?\s*form-action [^;]*/, ''));
    }
  };
}
