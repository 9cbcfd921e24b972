import type Router from '@koa/router';
import { createAddressPages } from './link-pages/address.ts';
import { type ForgottenPasswordDeps, forgottenPasswordRoutes } from './link-pages/forgotten-password.ts';
import { createPasswordReset, type PasswordResetDeps } from './link-pages/password-reset.ts';
import { type LinkRoutesDeps, linkRoutes } from './link-pages/routes.ts';
import { createReturnCookie } from './web/return-cookie.ts';

type Deps = Omit<LinkRoutesDeps & ForgottenPasswordDeps & PasswordResetDeps, 'pages' | 'returns'> &
  Pick<PasswordResetDeps, 'pages'> & {
    /** Without mail nobody can ask for a link. */
    mail: boolean;
  };

/** The pages of whoever has a mailed link, or asks for one, put together. */
export function linkPages({ mail, ...deps }: Deps): Router[] {
  const parts = { ...deps, returns: createReturnCookie(deps) };
  const pages = { 'password-reset': createPasswordReset(parts), ...createAddressPages(parts) };
  const asking = mail ? [forgottenPasswordRoutes(parts)] : [];
  return [linkRoutes({ ...deps, pages }), ...asking];
}
