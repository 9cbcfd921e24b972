import type { Account } from '../accounts/account.ts';
import type { DeletionStore } from '../accounts/deletion.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface DeletionUndoDeps {
  accounts: AccountStore;
  deletions: DeletionStore;
  pages: Pages;
}

/** Whoever reads the account's mail keeps the account. It opens nothing: one signs in as before. */
export function createDeletionUndo({ accounts, deletions, pages }: DeletionUndoDeps): LinkPage {
  async function leaving({ link }: OpenedLink): Promise<Account & { deletionDueAt: number }> {
    const account = link.accountId === null ? null : await accounts.find(link.accountId);
    if (!account || account.deletionDueAt === null) throw new Refusal('link_spent', 410);
    return { ...account, deletionDueAt: account.deletionDueAt };
  }

  return {
    async show(ctx, opened) {
      const { email, deletionDueAt } = await leaving(opened);
      const dueAt = new Date(deletionDueAt).toISOString();
      pages.send(ctx, 'deletion-undo', { action: '/link', csrf: opened.csrf, accountEmail: email, dueAt });
    },
    async submit(ctx, opened) {
      const { id } = await leaving(opened);
      // Who holds a link has shown no more than that.
      const done = await deletions.undo(id, opened.tokenHash, byVisitor(ctx.state, 'visitor'));
      if (!done) throw new Refusal('link_spent', 410);
      const t = pages.texts(ctx);
      const isActive = (await accounts.find(id))?.status === 'active';
      pages.send(ctx, 'notice', {
        title: t('notice.account-kept.heading'),
        paragraphs: [t(isActive ? 'notice.account-kept.what' : 'notice.account-kept.disabled')],
        next: isActive ? { href: '/account', label: t('sign-in.submit') } : null,
      });
      return true;
    },
  };
}
