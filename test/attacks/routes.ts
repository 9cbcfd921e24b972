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
  '/setup',
  `/setup/${NOBODY}`,
  '/setup/account',
  '/account',
  ...['profile', 'password', 'authenticators', 'authenticators/new', 'recovery-codes', 'sessions', 'applications'].map(
    (section) => `/account/${section}`,
  ),
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

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const;

export interface Route {
  method: (typeof METHODS)[number];
  path: (typeof ROUTES)[number];
}

export const EVERY_ROUTE: Route[] = ROUTES.flatMap((path) => METHODS.map((method) => ({ method, path })));

/** What a mistake of ours looks like from outside. */
export const TRACES = /\bat .+:\d+:\d+|node_modules|\.ts:\d+|\bError: |undefined|\[object Object\]/;
