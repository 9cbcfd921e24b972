import { hasSecondFactor } from '../accounts/account.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import { FEW_CODES_LEFT } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import type { OwnSessions } from './own-session.ts';
import { frame, type Part } from './section.ts';

/** What was done on the page before. */
const NOTICES: Record<string, string> = {
  password: 'notice.password',
  'password-removed': 'notice.password-removed',
  profile: 'notice.profile',
};

export interface OverviewDeps {
  sessions: OwnSessions;
  accounts: AccountStore;
  passkeyStore: Pick<PasskeyStore, 'ofAccount'>;
  csrf: Csrf;
  pages: Pages;
}

export function createOverview({ sessions, accounts, passkeyStore, csrf, pages }: OverviewDeps): Part {
  return {
    sections: {
      '': {
        fresh: false,
        async show(ctx, session) {
          const { account } = session;
          const { done } = ctx.query;
          const t = pages.texts(ctx);
          const recoveryCodes = await accounts.recoveryCodesLeft(account.id);
          pages.send(ctx, 'account', {
            ...frame(csrf, session, ''),
            name: account.claims.name ?? null,
            emailVerified: account.emailVerified,
            hasPassword: account.passwordHash !== null,
            passkeys: (await passkeyStore.ofAccount(account.id)).length,
            authenticators: (await accounts.authenticators(account.id)).length,
            recoveryCodes,
            fewCodes: hasSecondFactor(account) && recoveryCodes <= FEW_CODES_LEFT,
            sessions: (await sessions.listOf(account.id)).length,
            notice: typeof done === 'string' && Object.hasOwn(NOTICES, done) ? t(String(NOTICES[done])) : null,
          });
        },
      },
    },
  };
}
