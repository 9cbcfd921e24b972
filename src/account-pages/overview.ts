import type { AccountStore } from '../accounts/store.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import type { OwnSessions } from './own-session.ts';
import { frame, type Part } from './section.ts';

const DONE = ['password', 'profile'] as const;

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
          pages.send(ctx, 'account', {
            ...frame(csrf, session, ''),
            name: account.claims.name ?? null,
            emailVerified: account.emailVerified,
            authenticators: (await accounts.authenticators(account.id)).length,
            recoveryCodes: await accounts.recoveryCodesLeft(account.id),
            sessions: (await sessions.listOf(account.id)).length,
            done: DONE.find((each) => each === ctx.query['done']) ?? null,
          });
        },
      },
    },
  };
}
