import type { IncomingMessage } from 'node:http';
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

/** A second address of this server, for clients with certificates (RFC 8705 5). */
export interface CertificateHost {
  /** Name and port, as a Host header has them. */
  host: string;
  /** All that is there. */
  paths: readonly string[];
  /** Those that answer with addresses, which must be the issuer's. */
  answeredAsIssuer: readonly string[];
  /** Whether a request came where only this address leads, perhaps leads, or does not lead. */
  leadsTo(req: IncomingMessage): 'only' | 'perhaps' | 'never';
}

/**
 * Addresses that we hand out, accept in assertions or return to follow from the issuer, never from a header: the
 * library builds them from the request, so a request with another Host does not reach it, and no forwarded header does.
 * @throws {Refusal} `wrong_host`
 */
export function hostGuard(issuer: string, other: CertificateHost | null = null): Middleware {
  const { host, protocol } = new URL(issuer);

  /** @returns the Host to go on with; null: it is not right here */
  function expected({ req, path }: { req: IncomingMessage; path: string }): string | null {
    const given = req.headers.host;
    const leads = other?.leadsTo(req) ?? 'never';
    if (given === host) return leads === 'only' ? null : host;
    if (!other || leads === 'never' || given !== other.host || !other.paths.includes(path)) return null;
    return other.answeredAsIssuer.includes(path) ? host : other.host;
  }

  return async (ctx, next) => {
    const right = expected(ctx);
    for (const name of FORWARDED) delete ctx.req.headers[name];
    // The one forwarded header that the library sees is ours: TLS may end at a proxy.
    ctx.req.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    ctx.cookies.secure = protocol === 'https:';
    ctx.req.headers.host = right ?? host;
    if (right === null && !ctx.path.startsWith('/health/')) throw new Refusal('wrong_host', 421);
    // An absolute request target would name a host as well (RFC 9112 3.2.2).
    if (!ctx.req.url?.startsWith('/')) throw new Refusal('wrong_host', 421);
    return next();
  };
}
