import { normalizeEmail } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage } from './link-page.ts';

export interface SignInUnlockDeps {
  accounts: AccountStore;
  attempts: Attempts;
  returns: ReturnCookie;
  pages: Pages;
}

/** Ends the wait that somebody else's guesses brought upon an account. It proves nothing: the sign-in asks as before. */
export function createSignInUnlock({ accounts, attempts, returns, pages }: SignInUnlockDeps): LinkPage {
  return {
    async show(ctx, opened) {
      const { email } = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      pages.send(ctx, 'link-question', {
        ...{ action: '/link', csrf: opened.csrf, title: t('notice.sign-in-unlock.heading') },
        ...{ paragraphs: [t('notice.sign-in-unlock.what', { email })], submit: t('notice.sign-in-unlock.submit') },
      });
    },
    async submit(ctx, opened) {
      const { id, email } = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      const unlocked = await accounts.unlockSignIn(id, opened.tokenHash, byVisitor(ctx.state, 'visitor'));
      if (!unlocked) throw new Refusal('link_spent', 410);
      // Spent first: one link ends one wait, however often it is sent.
      await attempts.endPasswordWait(normalizeEmail(email), (ctx.state as RequestState).address);
      pages.send(ctx, 'notice', {
        title: t('notice.unlocked.heading'),
        paragraphs: [t('notice.unlocked.what')],
        next: { href: returns.href(ctx), label: t('sign-in.submit') },
      });
      return true;
    },
  };
}
