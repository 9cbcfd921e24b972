import type { Context } from 'koa';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession, OwnSessions } from './own-session.ts';
import { mayRemovePassword } from './password-removal.ts';
import { frame, type Part } from './section.ts';

export interface PasswordDeps {
  sessions: OwnSessions;
  accounts: AccountStore;
  passkeyStore: PasskeyStore;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  attempts: Attempts;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
}

/** The old password was asked for a moment ago, with the second factor: that is what `fresh` means. */
export function createPassword(deps: PasswordDeps): Part {
  const { sessions, accounts, passkeyStore, passwords, passwordPolicy, attempts, levelPolicy, csrf, pages } = deps;

  /** An authenticator can be removed again; only where one is demanded may the password be short. */
  const minimumOf = ({ account: { role } }: OwnSession) =>
    minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });

  async function page(ctx: Context, session: OwnSession, problem: Problem = null, status = 200): Promise<void> {
    const form = {
      ...{ action: '/account/password', minLength: minimumOf(session), problem },
      hasPassword: session.account.passwordHash !== null,
      mayRemove: await mayRemovePassword({ accounts, passkeyStore, levelPolicy }, session),
    };
    pages.send(ctx, 'account-password', { ...frame(csrf, session, 'password'), ...form }, { status });
  }

  return {
    sections: { password: { fresh: true, show: (ctx, session) => page(ctx, session) } },
    actions: {
      password: {
        ...{ fresh: true, on: 'password' },
        async submit(ctx, session, form) {
          const password = form.get('new_password') ?? '';
          const t = pages.texts(ctx);
          const { account } = session;
          const by = byVisitor(ctx.state, account.id);
          try {
            // Each try costs a hash or a look elsewhere, so it is counted.
            await attempts.address('new-password', (ctx.state as RequestState).address);
          } catch (err) {
            return page(ctx, session, ...tryLater(ctx, t, err));
          }
          const owner = { minimum: minimumOf(session), email: account.email, claims: account.claims };
          const problem = await passwordPolicy.assess(password, owner, by);
          if (problem) {
            const text = t(`problem.${problem.code}`, { n: problem.n });
            return page(ctx, session, { field: 'new_password', text }, 422);
          }
          const hash = await passwords.hash(password);
          const endedAt = await accounts.changePassword(account, hash, by);
          // Another change, or a sign-out everywhere, came first: whoever made it decides.
          if (endedAt === null) throw new Refusal('flow_expired', 409);
          const stays = await sessions.renew(ctx, session, endedAt);
          seeOther(ctx, stays ? '/account?done=password' : sessions.signInHref('', null));
        },
      },
    },
  };
}
