/** Every address that answers, with an id where one stands in it. A new route belongs here. */
const NOBODY = 'nobody-knows-this-one';

export const ROUTES = [
  '/',
  '/assets/look.css',
  '/assets/nothing.css',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/jwks.json',
  '/oauth2/authorize',
  `/oauth2/authorize/${NOBODY}`,
  '/oauth2/token',
  '/oauth2/userinfo',
  '/oauth2/introspect',
  '/oauth2/revoke',
  '/oauth2/par',
  '/oauth2/logout',
  '/oauth2/logout/confirm',
  '/oauth2/logout/success',
  `/interaction/${NOBODY}`,
  `/interaction/${NOBODY}/password`,
  `/interaction/${NOBODY}/cancel`,
  '/forgotten-password',
  '/sign-up',
  '/link',
  `/link/${NOBODY}`,
  '/setup',
  `/setup/${NOBODY}`,
  '/setup/account',
  '/setup/totp',
  '/setup/recovery-codes',
  '/account',
  '/account/profile',
  '/account/password',
  '/account/authenticators',
  '/account/authenticators/new',
  '/account/recovery-codes',
  '/account/sessions',
  '/account/applications',
  '/account/activity',
  '/account/export',
  '/account/delete',
  '/account/signed-in',
  '/account/sign-out',
  '/account/authenticators/rename',
  '/account/authenticators/remove',
  '/account/recovery-codes/new',
  '/account/recovery-codes/kept',
  '/account/sessions/end',
  '/account/sessions/end-others',
  '/account/sessions/end-all',
  '/account/applications/end',
  '/health/live',
  '/health/ready',
  '/health/probe',
  '/no/such/page',
] as const;

const OF_A_SESSION = { none: 'asks no store without the signed cookie of a session, and signing in is counted' };

/** What holds whoever asks too much of an address, or why nothing has to. */
export const LIMITS: Record<(typeof ROUTES)[number], { limit: 'address' | 'attempts' } | { none: string }> = {
  '/': { none: 'a page without a look at any store' },
  '/assets/look.css': { none: 'kept in memory' },
  '/assets/nothing.css': { none: 'kept in memory' },
  '/.well-known/openid-configuration': { none: 'public, cacheable, made from the configuration' },
  '/.well-known/oauth-authorization-server': { none: 'public, cacheable, made from the configuration' },
  '/.well-known/jwks.json': { none: 'public, cacheable, kept in memory' },
  '/oauth2/authorize': { limit: 'address' },
  [`/oauth2/authorize/${NOBODY}`]: { none: 'needs the signed cookie of a request that was counted' },
  '/oauth2/token': { limit: 'address' },
  '/oauth2/userinfo': { none: 'needs a signed token, and is asked by applications for many people at once' },
  '/oauth2/introspect': { limit: 'address' },
  '/oauth2/revoke': { limit: 'address' },
  '/oauth2/par': { limit: 'address' },
  '/oauth2/logout': { none: 'people must always be able to leave' },
  '/oauth2/logout/confirm': { none: 'needs the signed cookie of a session and its form' },
  '/oauth2/logout/success': { none: 'a page without a look at any store' },
  [`/interaction/${NOBODY}`]: { none: 'needs the signed cookie of a request that was counted' },
  [`/interaction/${NOBODY}/password`]: { limit: 'attempts' },
  [`/interaction/${NOBODY}/cancel`]: { none: 'needs the signed cookie of a request that was counted' },
  '/forgotten-password': { limit: 'attempts' },
  '/sign-up': { limit: 'attempts' },
  '/link': { limit: 'address' },
  [`/link/${NOBODY}`]: { limit: 'address' },
  '/setup': { limit: 'address' },
  [`/setup/${NOBODY}`]: { limit: 'address' },
  '/setup/account': { limit: 'address' },
  '/setup/totp': { limit: 'address' },
  '/setup/recovery-codes': { limit: 'address' },
  '/account': OF_A_SESSION,
  '/account/profile': OF_A_SESSION,
  '/account/password': { limit: 'attempts' },
  '/account/authenticators': OF_A_SESSION,
  '/account/authenticators/new': { limit: 'attempts' },
  '/account/recovery-codes': OF_A_SESSION,
  '/account/sessions': OF_A_SESSION,
  '/account/applications': OF_A_SESSION,
  '/account/activity': OF_A_SESSION,
  '/account/export': { limit: 'attempts' },
  '/account/delete': OF_A_SESSION,
  '/account/signed-in': OF_A_SESSION,
  '/account/sign-out': { none: 'people must always be able to leave' },
  '/account/authenticators/rename': OF_A_SESSION,
  '/account/authenticators/remove': OF_A_SESSION,
  '/account/recovery-codes/new': OF_A_SESSION,
  '/account/recovery-codes/kept': OF_A_SESSION,
  '/account/sessions/end': OF_A_SESSION,
  '/account/sessions/end-others': OF_A_SESSION,
  '/account/sessions/end-all': { none: 'people must always be able to leave' },
  '/account/applications/end': OF_A_SESSION,
  '/health/live': { none: 'load balancers ask every second' },
  '/health/ready': { none: 'load balancers ask every second' },
  '/health/probe': { none: 'answers nothing without a pass made with the keyring' },
  '/no/such/page': { none: 'a page without a look at any store' },
};

/** What caches may keep, which is the same for everybody. Nothing else is kept by anybody. */
export const CACHEABLE: Partial<Record<(typeof ROUTES)[number], string>> = {
  '/assets/look.css': 'public, max-age=3600',
  '/.well-known/openid-configuration': 'public, max-age=600',
  '/.well-known/oauth-authorization-server': 'public, max-age=600',
  '/.well-known/jwks.json': 'public, max-age=600',
};

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const;

export interface Route {
  method: (typeof METHODS)[number];
  path: (typeof ROUTES)[number];
}

export const EVERY_ROUTE: Route[] = ROUTES.flatMap((path) => METHODS.map((method) => ({ method, path })));

/** What a mistake of ours looks like from outside. */
export const TRACES = /\bat .+:\d+:\d+|node_modules|\.ts:\d+|\bError: |undefined|\[object Object\]/;
