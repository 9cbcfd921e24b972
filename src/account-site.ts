import type Router from '@koa/router';
import { createActivity } from './account-pages/activity.ts';
import { type ApplicationsDeps, createApplications } from './account-pages/applications.ts';
import { createAuthenticators } from './account-pages/authenticators.ts';
import { createDelete, type DeleteDeps } from './account-pages/delete.ts';
import { createEmail, type EmailDeps } from './account-pages/email.ts';
import { createExport, type ExportDeps } from './account-pages/export.ts';
import { createNewAuthenticator, type NewAuthenticatorDeps } from './account-pages/new-authenticator.ts';
import { createNewPasskey, type NewPasskeyDeps } from './account-pages/new-passkey.ts';
import { createOverview } from './account-pages/overview.ts';
import { createPasskeyPages, type PasskeysDeps } from './account-pages/passkeys.ts';
import { createPassword, type PasswordDeps } from './account-pages/password.ts';
import { createPasswordRemoval } from './account-pages/password-removal.ts';
import { createProfile } from './account-pages/profile.ts';
import { createRecoveryCodesPages } from './account-pages/recovery-codes.ts';
import { accountRoutes } from './account-pages/routes.ts';
import { createSessions, type SessionsDeps } from './account-pages/sessions.ts';
import { createTrustedBrowsers } from './account-pages/trusted-browsers.ts';
import { ACCOUNT_CLIENT } from './oidc/account-client.ts';
import { describeApis } from './oidc/described-apis.ts';
import { createOwnAccess } from './oidc/own-access.ts';
import { createOwnAuthorization } from './oidc/own-authorization.ts';
import { createOwnRecords, type OwnRecordsDeps } from './oidc/own-records.ts';
import { createOwnSessions, type OwnSessionsDeps } from './oidc/own-sessions.ts';
import { createSessionEnds } from './oidc/session-ends.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Stores } from './store/open.ts';

export type { PendingAuthenticator } from './account-pages/new-authenticator.ts';

type Deps = Omit<OwnSessionsDeps, 'sessionEnds' | 'records'> &
  OwnRecordsDeps &
  DeleteDeps &
  Omit<ExportDeps, 'kept'> &
  Omit<ApplicationsDeps, 'access' | 'describeApi'> &
  Omit<PasswordDeps, 'sessions'> &
  Omit<SessionsDeps, 'sessions'> &
  NewAuthenticatorDeps &
  PasskeysDeps &
  NewPasskeyDeps &
  EmailDeps & { outbox: Outbox; stores: Pick<Stores, 'activity' | 'knownBrowsers' | 'roles' | 'listedAccounts'> };

/** The account pages, put together. */
export function accountPages(deps: Deps): Router {
  const sessionEnds = createSessionEnds(deps);
  const records = createOwnRecords(deps);
  const { accounts, consents } = deps;
  const { activity, knownBrowsers } = deps.stores;
  const authorization = createOwnAuthorization({ ...deps.stores, registry: deps.registry });
  const own = {
    ...{ ...deps, activity, ownClientId: ACCOUNT_CLIENT },
    sessions: createOwnSessions({ ...deps, records, sessionEnds }),
    access: createOwnAccess({ ...deps, records, sessionEnds }),
    describeApi: describeApis(deps.registry),
    kept: {
      ...{ accounts, passkeys: deps.passkeyStore, consents, activity, browsersOf: knownBrowsers.listOf },
      ...{ ...records, ...authorization },
    },
  };
  const parts = [
    createOverview(own),
    createProfile(own),
    createEmail(own),
    createPassword(own),
    createPasswordRemoval(own),
    createAuthenticators(own),
    createNewAuthenticator(own),
    createPasskeyPages(own),
    createNewPasskey(own),
    createRecoveryCodesPages(own),
    createSessions(own),
    createTrustedBrowsers(own),
    createApplications(own),
    createActivity(own),
    createExport(own),
    createDelete(own),
  ];
  return accountRoutes({ ...own, parts });
}
