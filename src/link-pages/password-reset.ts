import type { Context } from 'koa';
import { type Account, normalizeEmail } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import type { Problem } from '../web/view-data.ts';
import { type ChosenPasswordDeps, createChosenPassword } from './chosen-password.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface PasswordResetDeps extends ChosenPasswordDeps {
  accounts: AccountStore;
  returns: ReturnCookie;
}

/** A new password for whoever reads the account's mail. The second factor stays: the next sign-in asks for it. */
export function createPasswordReset(deps: PasswordResetDeps): LinkPage {
  const { accounts, passwords, attempts, returns, pages } = deps;
  const chosen = createChosenPassword(deps);

  function page(ctx: Context, { csrf }: OpenedLink, owner: Account, problem: Problem = null, status = 200): void {
    const data = { action: '/link', csrf, accountEmail: owner.email, minLength: chosen.minimumOf(owner), problem };
    pages.send(ctx, 'password-reset', data, { status });
  }

  return {
    show: async (ctx, opened) => page(ctx, opened, await ownerOf(accounts, opened)),
    async submit(ctx, opened, form) {
      const owner = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      const password = form.get('new_password') ?? '';
      const refusal = await chosen.refusalOf(ctx, owner, password);
      if (refusal) {
        page(ctx, opened, owner, ...refusal);
        return false;
      }
      const by = byVisitor(ctx.state, owner.id);
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
