import type { RecoveryStore } from '../accounts/recovery.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { ownerOf } from './link-owner.ts';
import type { LinkPage } from './link-page.ts';

export interface RecoveryStopDeps {
  accounts: AccountStore;
  recoveries: RecoveryStore;
  returns: ReturnCookie;
  pages: Pages;
}

/** "I have lost nothing." It ends the recovery and nothing else: whoever finds the letter gains nothing by it. */
export function createRecoveryStop({ accounts, recoveries, returns, pages }: RecoveryStopDeps): LinkPage {
  return {
    async show(ctx, opened) {
      await ownerOf(accounts, opened);
      const t = pages.texts(ctx);
      pages.send(ctx, 'link-question', {
        ...{ action: '/link', csrf: opened.csrf, title: t('notice.recovery-stop.heading') },
        paragraphs: [t('notice.recovery-stop.what'), t('notice.recovery-stop.hint')],
        submit: t('notice.recovery-stop.submit'),
      });
    },
    async submit(ctx, opened) {
      const { id } = await ownerOf(accounts, opened);
      if (!(await recoveries.stopByLink(id, opened.tokenHash, byVisitor(ctx.state, 'visitor')))) {
        throw new Refusal('link_spent', 410);
      }
      const t = pages.texts(ctx);
      pages.send(ctx, 'notice', {
        title: t('notice.recovery-stopped.heading'),
        paragraphs: [t('notice.recovery-stopped.what'), t('notice.recovery-stopped.hint')],
        next: { href: returns.href(ctx), label: t('notice.back-to-sign-in') },
      });
      return true;
    },
  };
}
