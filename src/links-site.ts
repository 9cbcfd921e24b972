import type Router from '@koa/router';
import { type AccountLockDeps, createAccountLock } from './link-pages/account-lock.ts';
import { type AccountRecoveryDeps, createAccountRecovery } from './link-pages/account-recovery.ts';
import { createAddressPages } from './link-pages/address.ts';
import type { AddressFormDeps } from './link-pages/address-form.ts';
import { createDeletionUndo, type DeletionUndoDeps } from './link-pages/deletion-undo.ts';
import { forgottenPasswordRoutes } from './link-pages/forgotten-password.ts';
import { createNewAccount, type NewAccountDeps } from './link-pages/new-account.ts';
import { createPasswordReset, type PasswordResetDeps } from './link-pages/password-reset.ts';
import { createRecoveryStop, type RecoveryStopDeps } from './link-pages/recovery-stop.ts';
import { type LinkRoutesDeps, linkRoutes } from './link-pages/routes.ts';
import { createSignInUnlock, type SignInUnlockDeps } from './link-pages/sign-in-unlock.ts';
import { type SignUpDeps, signUpRoutes } from './link-pages/sign-up.ts';
import { createReturnCookie } from './web/return-cookie.ts';

type Deps = Omit<
  LinkRoutesDeps &
    AddressFormDeps &
    PasswordResetDeps &
    DeletionUndoDeps &
    NewAccountDeps &
    SignUpDeps &
    AccountLockDeps &
    AccountRecoveryDeps &
    RecoveryStopDeps &
    SignInUnlockDeps,
  'pages' | 'returns'
> &
  Pick<PasswordResetDeps, 'pages'> & {
    /** Without mail nobody can ask for a link. */
    mail: boolean;
    signUp: { offered: boolean };
  };

/** The pages of whoever has a mailed link, or asks for one, put together. */
export function linkPages({ mail, ...deps }: Deps): Router[] {
  const parts = { ...deps, returns: createReturnCookie(deps) };
  const pages = {
    'password-reset': createPasswordReset(parts),
    ...createAddressPages(parts),
    'deletion-undo': createDeletionUndo(parts),
    'sign-up': createNewAccount('sign-up', parts),
    invitation: createNewAccount('invitation', parts),
    'account-lock': createAccountLock(parts),
    'sign-in-unlock': createSignInUnlock(parts),
    'account-recovery': createAccountRecovery(parts),
    'recovery-stop': createRecoveryStop(parts),
  };
  const asking = mail ? [forgottenPasswordRoutes(parts)] : [];
  if (deps.signUp.offered) asking.push(signUpRoutes(parts));
  return [linkRoutes({ ...deps, pages }), ...asking];
}
