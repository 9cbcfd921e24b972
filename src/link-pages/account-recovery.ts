import type { Context } from 'koa';
import { type Account, normalizeEmail } from '../accounts/account.ts';
import type { RecoveryStore } from '../accounts/recovery.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import type { Problem } from '../web/view-data.ts';
import { type ChosenPasswordDeps, createChosenPassword } from './chosen-password.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface AccountRecoveryDeps extends ChosenPasswordDeps {
  accounts: AccountStore;
  recoveries: RecoveryStore;
  returns: ReturnCookie;
  clock: Clock;
}

/**
 * Everything anew, for somebody whom an operator knows. Nobody is signed in by it: the sign-in has the limits, and asks for
 * a new second factor before it is done where there was one.
 */
export function createAccountRecovery(deps: AccountRecoveryDeps): LinkPage {
  const { accounts, recoveries, passwords, levelPolicy, attempts, returns, pages, clock } = deps;
  const chosen = createChosenPassword(deps);

  function page(ctx: Context, { csrf }: OpenedLink, owner: Account, problem: Problem = null, status = 200): void {
    const data = { action: '/link', csrf, accountEmail: owner.email, minLength: chosen.minimumOf(owner), problem };
    pages.send(ctx, 'account-recovery', data, { status });
  }

  /** Its owner still has time to stop it. The page has no form, and the store would take none. */
  async function waitPage(ctx: Context, { id, email: accountEmail }: Account): Promise<void> {
    const recovery = await recoveries.find(id);
    if (!recovery) throw new Refusal('link_spent', 410);
    const [opensAt, until] = [recovery.opensAt, recovery.expiresAt].map((at) => new Date(at).toISOString());
    pages.send(ctx, 'recovery-wait', { accountEmail, opensAt: String(opensAt), until: String(until) });
  }

  return {
    async show(ctx, opened) {
      const owner = await ownerOf(accounts, opened);
      if (clock() < (opened.link.opensAt ?? 0)) await waitPage(ctx, owner);
      else page(ctx, opened, owner);
    },
    async submit(ctx, opened, form) {
      const owner = await ownerOf(accounts, opened);
      const password = form.get('new_password') ?? '';
      const refusal = await chosen.refusalOf(ctx, owner, password);
      if (refusal) {
        page(ctx, opened, owner, ...refusal);
        return false;
      }
      // Who holds a link has shown no more than that.
      const by = byVisitor(ctx.state, 'visitor');
      const hash = await passwords.hash(password);
      const done = await recoveries.recover(owner.id, opened.tokenHash, hash, levelPolicy.passkeys, by);
      if (!done) throw new Refusal('link_spent', 410);
      await attempts.liftPassword(normalizeEmail(owner.email), (ctx.state as RequestState).address);
      const t = pages.texts(ctx);
      const demanded = (await accounts.find(owner.id))?.demandedLevel;
      pages.send(ctx, 'notice', {
        title: t('notice.recovered.heading'),
        paragraphs: ['notice.recovered.what', ...(demanded ? ['notice.recovered.then'] : [])].map((key) => t(key)),
        next: { href: returns.href(ctx), label: t('sign-in.submit') },
      });
      return true;
    },
  };
}
