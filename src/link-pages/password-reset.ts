import type { Context } from 'koa';
import { type Account, normalizeEmail } from '../accounts/account.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface PasswordResetDeps {
  accounts: AccountStore;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  levelPolicy: LevelPolicy;
  attempts: Attempts;
  returns: ReturnCookie;
  pages: Pages;
}

/** A new password for whoever reads the account's mail. The second factor stays: the next sign-in asks for it. */
export function createPasswordReset(deps: PasswordResetDeps): LinkPage {
  const { accounts, passwords, passwordPolicy, levelPolicy, attempts, returns, pages } = deps;

  const minimumOf = ({ role }: Account) => minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });

  function page(ctx: Context, { csrf }: OpenedLink, owner: Account, problem: Problem = null, status = 200): void {
    const data = { action: '/link', csrf, accountEmail: owner.email, minLength: minimumOf(owner), problem };
    pages.send(ctx, 'password-reset', data, { status });
  }

  return {
    show: async (ctx, opened) => page(ctx, opened, await ownerOf(accounts, opened)),
    async submit(ctx, opened, form) {
      const owner = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      const password = form.get('new_password') ?? '';
      const by = byVisitor(ctx.state, owner.id);
      const refuse = (problem: Problem, status = 422) => {
        page(ctx, opened, owner, problem, status);
        return false;
      };
      try {
        // Each try costs a hash or a look elsewhere, so it is counted.
        await attempts.address('new-password', (ctx.state as RequestState).address);
      } catch (err) {
        return refuse(...tryLater(ctx, t, err));
      }
      const known = { minimum: minimumOf(owner), email: owner.email, claims: owner.claims };
      const problem = await passwordPolicy.assess(password, known, by);
      if (problem) return refuse({ field: 'new_password', text: t(`problem.${problem.code}`, { n: problem.n }) });
      // Who was told to give a password up does not get around that by this way to set one.
      if (owner.mustChangePassword && (await passwords.verify(owner.passwordHash, password))) {
        return refuse({ field: 'new_password', text: t('problem.password-same') });
      }

      const hash = await passwords.hash(password);
      if (!(await accounts.resetPassword(owner.id, opened.tokenHash, hash, by))) throw new Refusal('link_spent', 410);
      // The wrong ones were tried at a password that is no more.
      await attempts.liftPassword(normalizeEmail(owner.email), (ctx.state as RequestState).address);
      pages.send(ctx, 'notice', {
        title: t('notice.reset-done.heading'),
        // Whoever took the account over may have left one, and it is not looked at here whose it is.
        paragraphs: ['notice.reset-done.what', ...(owner.hasPasskey ? ['notice.reset-done.passkeys'] : [])].map((key) =>
          t(key),
        ),
        next: { href: returns.href(ctx), label: t('sign-in.submit') },
      });
      return true;
    },
  };
}
