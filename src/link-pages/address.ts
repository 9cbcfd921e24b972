import type { Context } from 'koa';
import type { AccountStore } from '../accounts/store.ts';
import type { By } from '../lib/by.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface AddressDeps {
  accounts: AccountStore;
  pages: Pages;
}

interface Ways {
  name: 'email-verification' | 'email-change' | 'email-undo';
  /** False where the link opens nothing any more. */
  spend(accountId: string, tokenHash: string, language: string, by: By): Promise<boolean>;
  /** Where the browser goes on. */
  next: 'account' | null;
}

/** The pages of links about the address of an account: a question, a button, and what came of it. */
export function createAddressPages({ accounts, pages }: AddressDeps) {
  function page({ name, spend, next }: Ways): LinkPage {
    function addressOf({ link: { accountId, detail } }: OpenedLink) {
      if (accountId === null) throw new Refusal('link_spent', 410);
      return { accountId, email: String(detail['email']) };
    }

    function notice(ctx: Context, which: string, email: string, status = 200): void {
      const t = pages.texts(ctx);
      const data = {
        title: t(`notice.${which}.heading`),
        paragraphs: [t(`notice.${which}.what`, { email }), t(`notice.${which}.hint`)],
        next: next && { href: `/${next}`, label: t('account.back') },
      };
      pages.send(ctx, 'notice', data, { status });
    }

    return {
      async show(ctx, opened) {
        const { email } = addressOf(opened);
        const t = pages.texts(ctx);
        const title = t(`link-question.${name}.heading`);
        pages.send(ctx, 'link-question', {
          ...{ action: '/link', csrf: opened.csrf, title, submit: t(`link-question.${name}.submit`) },
          paragraphs: [t(`link-question.${name}.what`, { email }), t(`link-question.${name}.hint`)],
        });
      },
      async submit(ctx, opened) {
        const { accountId, email } = addressOf(opened);
        const by = byVisitor(ctx.state, accountId);
        try {
          const done = await spend(accountId, opened.tokenHash, pages.language(ctx), by);
          if (!done) throw new Refusal('link_spent', 410);
        } catch (err) {
          if (!(err instanceof Conflict)) throw err;
          notice(ctx, `${name}-taken`, email, 409);
          return false;
        }
        notice(ctx, `${name}-done`, email);
        return true;
      },
    };
  }

  return {
    'email-verification': page({
      ...{ name: 'email-verification', next: 'account' },
      spend: (id, hash, _language, by) => accounts.verifyEmail(id, hash, by),
    }),
    'email-change': page({ name: 'email-change', next: 'account', spend: accounts.changeEmail }),
    'email-undo': page({ name: 'email-undo', next: null, spend: accounts.undoEmail }),
  };
}
