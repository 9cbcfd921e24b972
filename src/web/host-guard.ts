import type { Middleware } from 'koa';
import { Refusal } from '../lib/errors.ts';

const FORWARDED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
];

/**
 * Addresses that we hand out, accept in assertions or return to follow from the issuer, never from a header: the
 * library builds them from the request, so a request with another Host does not reach it, and no forwarded header does.
 * @throws {Refusal} `wrong_host`
 */
export function hostGuard(issuer: string): Middleware {
  const { host, protocol } = new URL(issuer);
  return async (ctx, next) => {
    const given = ctx.req.headers.host;
    for (const name of FORWARDED) delete ctx.req.headers[name];
    // The one forwarded header that the library sees is ours: TLS may end at a proxy.
    ctx.req.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    ctx.cookies.secure = protocol === 'https:';
    if (given !== host) {
      ctx.req.headers.host = host;
      if (!ctx.path.startsWith('/health/')) throw new Refusal('wrong_host', 421);
    }
    // An absolute request target would name a host as well (RFC 9112 3.2.2).
    if (!ctx.req.url?.startsWith('/')) throw new Refusal('wrong_host', 421);
    return next();
  };
}
