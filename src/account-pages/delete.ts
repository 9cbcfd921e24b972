import type { Context } from 'koa';
import { normalizeEmail } from '../accounts/account.ts';
import type { DeletionStore } from '../accounts/deletion.ts';
import { DAY, type Seconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface DeleteDeps {
  deletions: DeletionStore;
  deletionGrace: Seconds;
  /** Without mail nobody gets the link that keeps the account. */
  mail: boolean;
  csrf: Csrf;
  pages: Pages;
}

export function createDelete({ deletions, deletionGrace, mail, csrf, pages }: DeleteDeps): Part {
  const days = deletionGrace / DAY;

  function page(ctx: Context, session: OwnSession, problem: Problem = null, status = 200): void {
    const form = { action: '/account/delete', days, mail, problem };
    pages.send(ctx, 'account-delete', { ...frame(csrf, session, 'delete'), ...form }, { status });
  }

  return {
    sections: { delete: { fresh: true, show: async (ctx, session) => page(ctx, session) } },
    actions: {
      delete: {
        ...{ fresh: true, on: 'delete' },
        async submit(ctx, session, form) {
          const { account } = session;
          const t = pages.texts(ctx);
          // Typed, so that no single click does it.
          if (normalizeEmail((form.get('email') ?? '').trim()) !== normalizeEmail(account.email)) {
            return page(ctx, session, { field: 'email', text: t('problem.email-not-yours') }, 422);
          }
          const asked = await deletions.ask(account, deletionGrace, byVisitor(ctx.state, account.id));
          if (asked === 'last-administrator') {
            return page(ctx, session, { field: null, text: t('problem.last-administrator') }, 409);
          }
          if (asked === 'changed') throw new Refusal('flow_expired', 409);
          const paragraphs = [
            t(asked.dueAt === null ? 'notice.deleted.what' : 'notice.deletion-asked.what', { n: days }),
          ];
          if (asked.dueAt !== null) paragraphs.push(t(`notice.deletion-asked.${mail ? 'mail' : 'no-mail'}`));
          const title = t(asked.dueAt === null ? 'notice.deleted.heading' : 'notice.deletion-asked.heading');
          pages.send(ctx, 'notice', { title, paragraphs, next: null });
        },
      },
    },
  };
}
