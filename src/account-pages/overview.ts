import type { AccountStore } from '../accounts/store.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import type { OwnSessions } from './own-session.ts';
import { frame, type Part } from './section.ts';

/** What was done on the page before. */
const NOTICES: Record<string, string> = { password: 'notice.password', profile: 'notice.profile' };

export interface OverviewDeps {
  sessions: OwnSessions;
  accounts: AccountStore;
  csrf: Csrf;
  pages: Pages;
}

export function createOverview({ sessions, accounts, csrf, pages }: OverviewDeps): Part {
  return {
    sections: {
      '': {
        fresh: false,
        async show(ctx, session) {
          const { account } = session;
          const { done } = ctx.query;
          const t = pages.texts(ctx);
          pages.send(ctx, 'account', {
            ...frame(csrf, session, ''),
            name: account.claims.name ?? null,
            emailVerified: account.emailVerified,
            authenticators: (await accounts.authenticators(account.id)).length,
            recoveryCodes: await accounts.recoveryCodesLeft(account.id),
            sessions: (await sessions.listOf(account.id)).length,
            notice: typeof done === 'string' && Object.hasOwn(NOTICES, done) ? t(String(NOTICES[done])) : null,
          });
        },
      },
    },
  };
}
