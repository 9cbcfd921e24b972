import Router from '@koa/router';
import type { Context } from 'koa';
import { OIDC_SCOPES } from '../clients/client.ts';
import type { Seconds } from '../lib/duration.ts';
import type { CertificateOffer } from './mutual-tls.ts';
import { ROUTES } from './routes.ts';
import { ASYMMETRIC } from './settings.ts';

/** RFC 9728 3.1: before the path of the resource. There is no resource without a path here, and so no document. */
const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const USERINFO_METADATA = `${WELL_KNOWN}${ROUTES.userinfo}`;
/** An application that knows userinfo only by its address asks from wherever it runs. */
const FOR_EVERYBODY = { 'Access-Control-Allow-Origin': '*' };
const PREFLIGHT_KEPT: Seconds = 3600;

export interface ResourceMetadataDeps {
  issuer: string;
  siteName: string;
  cache: Seconds;
  /** What clients can do with certificates; null: nothing. */
  certificates: CertificateOffer | null;
}

/** What the one API that this server itself is, userinfo, says of itself (RFC 9728 2). */
export function resourceMetadata({ issuer, siteName, cache, certificates }: ResourceMetadataDeps): Router {
  const document = {
    resource: `${issuer}${ROUTES.userinfo}`,
    resource_name: siteName,
    authorization_servers: [issuer],
    scopes_supported: OIDC_SCOPES.filter((scope) => scope !== 'offline_access'),
    bearer_methods_supported: ['header', 'body'],
    dpop_signing_alg_values_supported: [...ASYMMETRIC],
    dpop_bound_access_tokens_required: false,
    tls_client_certificate_bound_access_tokens: certificates !== null,
  };
  const router = new Router();
  router.get(USERINFO_METADATA, (ctx) => {
    ctx.set({ ...FOR_EVERYBODY, 'Cache-Control': `public, max-age=${cache}` });
    ctx.body = document;
  });
  router.options(USERINFO_METADATA, (ctx, next) => {
    if (!ctx.get('access-control-request-method')) return next();
    const asked = ctx.get('access-control-request-headers');
    ctx.set({
      ...FOR_EVERYBODY,
      'Access-Control-Allow-Methods': 'GET',
      'Access-Control-Max-Age': String(PREFLIGHT_KEPT),
    });
    if (asked) ctx.set('Access-Control-Allow-Headers', asked);
    ctx.vary('Access-Control-Request-Headers');
    ctx.status = 204;
    return undefined;
  });
  return router;
}

/** RFC 9728 5.1: whoever is refused at userinfo is told where to read what it takes. */
export function pointToMetadata(ctx: Pick<Context, 'response' | 'set'>, issuer: string): void {
  const challenges = [ctx.response.headers['www-authenticate'] ?? []].flat();
  if (challenges.length === 0) return;
  const where = `resource_metadata="${issuer}${USERINFO_METADATA}"`;
  ctx.set(
    'WWW-Authenticate',
    challenges.map((challenge) => `${challenge}, ${where}`),
  );
}
