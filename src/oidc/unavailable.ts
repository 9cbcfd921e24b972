import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import Provider from 'oidc-provider';
import type { Seconds } from '../lib/duration.ts';
import type { ProviderPages } from './views.ts';

const RETRY_AFTER: Seconds = 5;
/** What an answer had begun to say. A cookie for a session that was not saved would sign its browser out. */
const TAKEN_BACK = ['Location', 'Refresh', 'Set-Cookie', 'WWW-Authenticate'];

/** Requests that the library is at work on, and which store failed them. */
const failures = new WeakMap<object, Error>();

/** Whoever sees a store fail because its database is away says so here. */
export function noteUnavailable(err: Error): void {
  const { ctx } = Provider;
  if (ctx && !failures.has(ctx)) failures.set(ctx, err);
}

/** Somebody else answers. */
export function forgive(ctx: object): void {
  failures.delete(ctx);
}

export function isUnanswerable(ctx: object): boolean {
  return failures.has(ctx);
}

type Report = (ctx: KoaContextWithOIDC, err: Error) => void;

/**
 * The library takes a store that fails for a mistake of ours (500) or, where it merely looks something up, for an answer:
 * "no such client", "no such token". A client that believes that throws its tokens away. So whatever it says of such a
 * request is replaced: try again (RFC 9110 15.6.4; the word is RFC 6749 4.1.2.1's).
 */
export function answerUnavailable({ pages, report }: { pages: ProviderPages; report: Report }): Middleware {
  return async (ctx, next) => {
    const failed = await next().then(
      () => null,
      (err: unknown) => ({ err }),
    );
    const cause = failures.get(ctx);
    if (!cause) {
      if (failed) throw failed.err;
      return;
    }
    for (const name of TAKEN_BACK) ctx.remove(name);
    ctx.set({ 'Retry-After': String(RETRY_AFTER), 'Cache-Control': 'no-store' });
    ctx.status = 503;
    const error = 'temporarily_unavailable';
    // The page that a browser is to go on from is never a redirect to the application: nobody knows where that is.
    if (ctx.accepts('json', 'html') === 'html') pages.error(ctx as KoaContextWithOIDC, { error }, cause);
    else ctx.body = { error, error_description: 'the server cannot answer right now; try again' };
    report(ctx as KoaContextWithOIDC, cause);
  };
}
