import type { Context, Middleware } from 'koa';
import * as oidc from 'openid-client';
import { problemPage } from './pages.ts';
import { Problem } from './problem.ts';

/** `formTargets`: where our own form posts may end up. Chromium holds redirects after a post to it as well. */
export function headers({ formTargets }: { formTargets: readonly string[] }): Middleware {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    'img-src data:',
    `form-action 'self' ${formTargets.join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (ctx, next) => {
    ctx.set('Content-Security-Policy', policy);
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'same-origin'); // no-referrer would make our own posts carry `Origin: null`
    ctx.set('Cache-Control', 'no-store');
    return next();
  };
}

/** SameSite cookies do not tell ports apart, so another program on localhost could post here; its origin gives it away. */
export function sameOriginPosts(origin: string): Middleware {
  return (ctx, next) => {
    // The provider's post carries no cookie; its signed token is what proves it.
    if (ctx.method !== 'POST' || ctx.path === '/backchannel-logout') return next();
    const site = ctx.get('sec-fetch-site');
    const same = site ? site === 'same-origin' : ctx.get('origin') === origin;
    if (!same) throw new Problem(403, 'cross_site_request', 'This request came from another site.');
    return next();
  };
}

export function wantsJson(ctx: Context): boolean {
  return ctx.accepts('html', 'json') === 'json';
}

export function showProblems(log: (line: string) => void): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) throw new Problem(404, 'not_found', 'There is nothing here.');
      if (ctx.status === 405) throw new Problem(405, 'method_not_allowed', 'Not with this method.');
    } catch (err) {
      const problem = asProblem(err);
      if (problem.status >= 500) log(`${problem.code}: ${describe(err)}`);
      ctx.status = problem.status;
      if (wantsJson(ctx) || ctx.path === '/backchannel-logout') {
        ctx.body = { error: problem.code, error_description: problem.message };
      } else {
        ctx.type = 'html';
        ctx.body = problemPage(problem).text;
      }
    }
  };
}

function asProblem(err: unknown): Problem {
  if (err instanceof Problem) return err;
  // What the provider says goes to the person: access_denied, login_required, invalid_grant …
  if (err instanceof oidc.AuthorizationResponseError) {
    return new Problem(403, err.error, err.error_description ?? 'The provider did not sign you in.');
  }
  if (err instanceof oidc.ResponseBodyError) {
    return new Problem(502, err.error, err.error_description ?? 'The provider refused the request.');
  }
  if (err instanceof oidc.WWWAuthenticateChallengeError) {
    const parameters = err.cause[0]?.parameters;
    const description = parameters?.error_description ?? 'The provider refused the access token.';
    return new Problem(502, parameters?.error ?? 'refused', description);
  }
  if (err instanceof oidc.ClientError) {
    return new Problem(502, 'untrusted_answer', "The provider's answer did not pass our checks.");
  }
  if (isUnanswered(err)) return new Problem(502, 'provider_unreachable', 'The provider does not answer.');
  return new Problem(500, 'unexpected', 'Something went wrong here.');
}

/** How fetch says that there was no connection, or no answer in time. */
function isUnanswered(err: unknown): boolean {
  const noConnection = err instanceof TypeError && err.message === 'fetch failed';
  return noConnection || (err instanceof Error && ['TimeoutError', 'AbortError'].includes(err.name));
}

/** Messages and codes only: the parsed bodies of these errors can hold tokens. */
function describe(err: unknown): string {
  if (!(err instanceof Error)) return 'not an error';
  const { code } = err as { code?: unknown };
  const cause = err.cause instanceof Error ? ` (${err.cause.message})` : '';
  return `${err.name} ${code ? `${String(code)} ` : ''}${err.message}${cause}`;
}
