import type { Middleware } from 'koa';
import { Refusal } from './refusal.ts';

/** Every answer is JSON, and a refusal tells a client what to do about it (RFC 6750 3). */
export function jsonAnswers({ realm, log }: { realm: string; log(line: string): void }): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) throw new Refusal(404, 'not_found', 'There is nothing here');
      if (ctx.status === 405) throw new Refusal(405, 'method_not_allowed', 'Not with this method');
    } catch (err) {
      const refusal = err instanceof Refusal ? err : unavailable(err, log);
      ctx.status = refusal.status;
      ctx.body = { error: refusal.code, error_description: refusal.message };
      if (refusal.challenge) {
        const parameters = {
          realm,
          ...refusal.challenge,
          error_description: refusal.challenge.error && refusal.message,
        };
        const said = Object.entries(parameters).filter(([, value]) => value !== undefined);
        ctx.set('WWW-Authenticate', `Bearer ${said.map(([name, value]) => `${name}="${value}"`).join(', ')}`);
      }
    }
  };
}

/** What went wrong is for our log: the caller learns only that the token was not judged. */
function unavailable(err: unknown, log: (line: string) => void): Refusal {
  log(`could not answer: ${err instanceof Error ? `${err.message} ${String(err.cause ?? '')}` : String(err)}`);
  return new Refusal(503, 'temporarily_unavailable', 'The service cannot answer now');
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

    ctx.set('Access-Control-Allow-Methods', 'GET, POST');
    ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type');
    ctx.set('Access-Control-Max-Age', '600');
    ctx.status = 204;
  };
}
