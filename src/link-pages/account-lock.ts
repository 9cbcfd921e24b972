import { normalizeEmail } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface AccountLockDeps {
  accounts: AccountStore;
  returns: ReturnCookie;
  pages: Pages;
}

/** Letters about what a new password does not mend: an app or a list of codes that somebody else has, or had. */
const OF_FACTORS = [
  ...['totp-added', 'totp-removed', 'passkey-removed', 'factors-reset'],
  ...['recovery-codes-replaced', 'recovery-code-used', 'browser-trusted', 'account-recovered'],
];

/**
 * "This was not me." Whoever finds the letter can lock the account, and enter nothing: what opens it again goes to its
 * mailbox.
 */
export function createAccountLock({ accounts, returns, pages }: AccountLockDeps): LinkPage {
  const advice = ({ link }: OpenedLink) =>
    OF_FACTORS.includes(link.detail['about'] ?? '') ? ['notice.account-lock.operator'] : [];

  return {
    async show(ctx, opened) {
      const owner = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      // Where the letter went: whoever reads there need not know another that the account has by now.
      const { email = owner.email } = opened.link.detail;
      const isMoved = normalizeEmail(email) !== normalizeEmail(owner.email);
      const what = t('notice.account-lock.what', { email });
      const moved = isMoved ? [t('notice.account-lock.moved', { email })] : [];
      const passkeys = owner.hasPasskey ? ['notice.account-lock.passkeys'] : [];
      const factors = ['notice.account-lock.factor', ...passkeys];
      const then = ['notice.account-lock.then', ...factors, ...advice(opened)].map((key) => t(key));
      const rest = [...moved, ...then];
      pages.send(ctx, 'link-question', {
        ...{ action: '/link', csrf: opened.csrf, title: t('notice.account-lock.heading') },
        ...{ paragraphs: [what, ...rest], submit: t('notice.account-lock.submit') },
      });
    },
    async submit(ctx, opened) {
      const { id, hasPasskey } = await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      if (!(await accounts.lockByLink(id, opened.tokenHash, byVisitor(ctx.state, 'visitor')))) {
        throw new Refusal('link_spent', 410);
      }
      const passkeys = hasPasskey ? ['notice.locked.passkeys'] : [];
      pages.send(ctx, 'notice', {
        title: t('notice.locked.heading'),
        paragraphs: ['notice.locked.what', 'notice.locked.then', ...passkeys, ...advice(opened)].map((key) => t(key)),
        next: { href: returns.href(ctx), label: t('notice.back-to-sign-in') },
      });
      return true;
    },
  };
}
