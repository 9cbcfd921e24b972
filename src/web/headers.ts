import type { Middleware } from 'koa';
import helmet from 'koa-helmet';

/**
 * Strict for every answer. `form-action` is ours alone; what a form leads on to is reached by a page in between
 * (`sendOn`). Nothing is upgraded to https unless the issuer is.
 */
export function securityHeaders({ https }: { https: boolean }): Middleware {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        ...(https && { upgradeInsecureRequests: [] }),
      },
    },
    // `no-referrer` would make our own forms carry `Origin: null`; this one tells other sites as little.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: https && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    // Discovery, JWKS and tokens are fetched from other origins; what they may read, CORS says.
    crossOriginResourcePolicy: false,
    // It would cut a pop-up that an application signs people in by from the page that opened it.
    crossOriginOpenerPolicy: false,
    xFrameOptions: { action: 'deny' },
  }) as Middleware;
}
