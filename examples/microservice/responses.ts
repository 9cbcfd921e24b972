import type { Middleware } from 'koa';
import { Problem } from './problem.ts';

/** Every answer is JSON. What a token lacks is answered by the kit, before this is asked. */
export function jsonAnswers({ log }: { log(line: string): void }): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) throw new Problem(404, 'not_found', 'There is nothing here');
      if (ctx.status === 405) throw new Problem(405, 'method_not_allowed', 'Not with this method');
    } catch (err) {
      const problem = err instanceof Problem ? err : unexpected(err, log);
      ctx.status = problem.status;
      ctx.body = { error: problem.code, error_description: problem.message };
    }
  };
}

/** What went wrong is for our log. */
function unexpected(err: unknown, log: (line: string) => void): Problem {
  log(`could not answer: ${String(err)}`);
  return new Problem(500, 'server_error', 'The service cannot answer now');
}

/** Browsers of these origins may read the answers. No credentials: the token is in a header, and there are no cookies. */
export function cors(allowedOrigins: readonly string[]): Middleware {
  return async (ctx, next) => {
    ctx.vary('Origin');
    const origin = ctx.get('origin');
    if (!allowedOrigins.includes(origin)) return next();

    ctx.set('Access-Control-Allow-Origin', origin);
    ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate');
    if (ctx.method !== 'OPTIONS' || !ctx.get('access-control-request-method')) return next();

    ctx.set('Access-Control-Allow-Methods', 'GET, POST, DELETE');
    ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
    ctx.set('Access-Control-Max-Age', '600');
    ctx.status = 204;
  };
}
