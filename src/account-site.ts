import type Router from '@koa/router';
import { type ApplicationsDeps, createApplications } from './account-pages/applications.ts';
import { createAuthenticators } from './account-pages/authenticators.ts';
import { createEmail, type EmailDeps } from './account-pages/email.ts';
import { createNewAuthenticator, type NewAuthenticatorDeps } from './account-pages/new-authenticator.ts';
import { createOverview } from './account-pages/overview.ts';
import { createPassword, type PasswordDeps } from './account-pages/password.ts';
import { createProfile } from './account-pages/profile.ts';
import { createRecoveryCodesPages } from './account-pages/recovery-codes.ts';
import { accountRoutes } from './account-pages/routes.ts';
import { createSessions, type SessionsDeps } from './account-pages/sessions.ts';
import { createOwnAccess } from './oidc/own-access.ts';
import { createOwnSessions, type OwnSessionsDeps } from './oidc/own-sessions.ts';
import { createSessionEnds } from './oidc/session-ends.ts';
import type { Outbox } from './outbox/outbox.ts';

export type { PendingAuthenticator } from './account-pages/new-authenticator.ts';

type Deps = Omit<OwnSessionsDeps, 'sessionEnds'> &
  Omit<ApplicationsDeps, 'access'> &
  Omit<PasswordDeps, 'sessions'> &
  Omit<SessionsDeps, 'sessions'> &
  NewAuthenticatorDeps &
  EmailDeps & { outbox: Outbox };

/** The account pages, put together. */
export function accountPages(deps: Deps): Router {
  const sessionEnds = createSessionEnds(deps);
  const sessions = createOwnSessions({ ...deps, sessionEnds });
  const own = { ...deps, sessions, access: createOwnAccess({ ...deps, sessionEnds }) };
  const parts = [
    createOverview(own),
    createProfile(own),
    createEmail(own),
    createPassword(own),
    createAuthenticators(own),
    createNewAuthenticator(own),
    createRecoveryCodesPages(own),
    createSessions(own),
    createApplications(own),
  ];
  return accountRoutes({ ...own, parts });
}
