import type { Context } from 'koa';
import type { Passwords } from '../accounts/passwords.ts';
import { PASSWORD_MAX, PASSWORD_MIN_ALONE, PASSWORD_MIN_WITH_SECOND_FACTOR } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import { demandedLevel, type SecondFactorPolicy } from '../assurance/demand.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession, OwnSessions } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface PasswordDeps {
  sessions: OwnSessions;
  accounts: AccountStore;
  passwords: Passwords;
  secondFactor: SecondFactorPolicy;
  csrf: Csrf;
  pages: Pages;
}

/** The old password was asked for a moment ago, with the second factor: that is what `fresh` means. */
export function createPassword({ sessions, accounts, passwords, secondFactor, csrf, pages }: PasswordDeps): Part {
  /** An authenticator can be removed again; only where one is demanded may the password be short. */
  function minLength({ account: { role } }: OwnSession): number {
    const none = { client: 'one-factor', requested: 'one-factor' } as const;
    const demanded = demandedLevel({ policy: secondFactor, role, ...none });
    return demanded === 'two-factor' ? PASSWORD_MIN_WITH_SECOND_FACTOR : PASSWORD_MIN_ALONE;
  }

  function page(ctx: Context, session: OwnSession, problem: Problem = null, status = 200): void {
    const form = { action: '/account/password', minLength: minLength(session), problem };
    pages.send(ctx, 'account-password', { ...frame(csrf, session, 'password'), ...form }, { status });
  }

  return {
    sections: { password: { fresh: true, show: async (ctx, session) => page(ctx, session) } },
    actions: {
      password: {
        ...{ fresh: true, on: 'password' },
        async submit(ctx, session, form) {
          const password = form.get('new_password') ?? '';
          const t = pages.texts(ctx);
          const refuse = (text: string) => page(ctx, session, { field: 'new_password', text }, 422);
          const n = minLength(session);
          if ([...password.normalize('NFKC')].length < n) return refuse(t('problem.password-short', { n }));
          if (password.length > PASSWORD_MAX) return refuse(t('problem.password-long', { n: PASSWORD_MAX }));

          const { account } = session;
          const hash = await passwords.hash(password);
          const endedAt = await accounts.changePassword(account, hash, byVisitor(ctx.state, account.id));
          // Another change, or a sign-out everywhere, came first: whoever made it decides.
          if (endedAt === null) throw new Refusal('flow_expired', 409);
          const stays = await sessions.renew(ctx, session, endedAt);
          seeOther(ctx, stays ? '/account?done=password' : sessions.signInHref('', false));
        },
      },
    },
  };
}
