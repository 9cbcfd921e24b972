import type Router from '@koa/router';
import { type AccountLockDeps, createAccountLock } from './link-pages/account-lock.ts';
import { type ForgottenPasswordDeps, forgottenPasswordRoutes } from './link-pages/forgotten-password.ts';
import { createPasswordReset, type PasswordResetDeps } from './link-pages/password-reset.ts';
import { type LinkRoutesDeps, linkRoutes } from './link-pages/routes.ts';
import { createSignInUnlock, type SignInUnlockDeps } from './link-pages/sign-in-unlock.ts';
import { createReturnCookie } from './web/return-cookie.ts';

type Deps = Omit<
  LinkRoutesDeps & ForgottenPasswordDeps & PasswordResetDeps & AccountLockDeps & SignInUnlockDeps,
  'pages' | 'returns'
> &
  Pick<PasswordResetDeps, 'pages'> & {
    /** Without mail nobody can ask for a link. */
    mail: boolean;
  };

/** The pages of whoever has a mailed link, or asks for one, put together. */
export function linkPages({ mail, ...deps }: Deps): Router[] {
  const parts = { ...deps, returns: createReturnCookie(deps) };
  const pages = {
    'password-reset': createPasswordReset(parts),
    'account-lock': createAccountLock(parts),
    'sign-in-unlock': createSignInUnlock(parts),
  };
  const asking = mail ? [forgottenPasswordRoutes(parts)] : [];
  return [linkRoutes({ ...deps, pages }), ...asking];
}
