import type { Context } from 'koa';
import { isEmail, normalizeEmail } from '../accounts/account.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import { newcomerAddress } from '../links/sign-up.ts';
import type { LinkStore } from '../links/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface EmailDeps {
  links: LinkStore;
  attempts: Attempts;
  /** Without mail an address can be neither proved nor changed here. */
  mail: boolean;
  csrf: Csrf;
  pages: Pages;
}

export function createEmail({ links, attempts, mail, csrf, pages }: EmailDeps): Part {
  function page(ctx: Context, session: OwnSession, problem: Problem = null, status = 200): void {
    const { emailVerified } = session.account;
    const data = { ...frame(csrf, session, 'email'), action: '/account/email/verify', emailVerified, mail, problem };
    pages.send(ctx, 'account-email', data, { status });
  }

  function newPage(ctx: Context, session: OwnSession, email: string, problem: Problem = null, status = 200): void {
    const data = { ...frame(csrf, session, 'email'), action: '/account/email/new', email, problem };
    pages.send(ctx, 'account-email-new', data, { status });
  }

  /** Null where the letter may go. */
  async function mustWait(ctx: Context, email: string, accountId?: string): Promise<[Problem, number] | null> {
    try {
      await attempts.letter(email, (ctx.state as RequestState).address, accountId);
      return null;
    } catch (err) {
      return tryLater(ctx, pages.texts(ctx), err);
    }
  }

  /** Whether somebody has that address already shows in nothing. */
  function onItsWay(ctx: Context, which: 'email-proof-sent' | 'email-change-asked', email: string): void {
    const t = pages.texts(ctx);
    pages.send(ctx, 'notice', {
      title: t(`notice.${which}.heading`),
      paragraphs: [t(`notice.${which}.what`, { email }), t(`notice.${which}.hint`)],
      next: { href: '/account', label: t('account.back') },
    });
  }

  const show = { email: { fresh: false, show: async (ctx: Context, session: OwnSession) => page(ctx, session) } };
  if (!mail) return { sections: show };
  return {
    sections: {
      ...show,
      'email/new': { fresh: true, show: async (ctx, session) => newPage(ctx, session, '') },
    },
    actions: {
      'email/verify': {
        ...{ fresh: false, on: 'email' },
        async submit(ctx, session) {
          const { id, email, emailVerified } = session.account;
          if (emailVerified) return seeOther(ctx, '/account/email');
          const wait = await mustWait(ctx, normalizeEmail(email));
          if (wait) return page(ctx, session, ...wait);
          const letter = { language: pages.language(ctx), by: byVisitor(ctx.state, id) };
          if (!(await links.sendProof(id, letter))) throw new Refusal('flow_expired', 409);
          onItsWay(ctx, 'email-proof-sent', email);
        },
      },
      // The password was asked for a moment ago, with the second factor: a stolen session alone moves no account.
      'email/new': {
        ...{ fresh: true, on: 'email/new' },
        async submit(ctx, session, form) {
          const { id, email, factorsVersion, notBefore } = session.account;
          const typed = (form.get('email') ?? '').trim();
          // As in a sign-up: a look-alike may be another's box at a mail server, and here it would be the plain address.
          const to = isEmail(typed) ? (newcomerAddress(typed) ?? '') : '';
          const problem = problemOf(typed, to, email);
          if (problem) {
            const text = pages.texts(ctx)(`problem.${problem}`);
            return newPage(ctx, session, typed.slice(0, 254), { field: 'email', text }, 422);
          }
          const wait = await mustWait(ctx, normalizeEmail(to), id);
          if (wait) return newPage(ctx, session, to, ...wait);
          const change = { accountId: id, from: normalizeEmail(email), factorsVersion, notBefore, to };
          const letter = { language: pages.language(ctx), by: byVisitor(ctx.state, id) };
          if (!(await links.askChange(change, letter))) throw new Refusal('flow_expired', 409);
          onItsWay(ctx, 'email-change-asked', to);
        },
      },
    },
  };
}

/** @param to what can be written to; empty where that is nothing */
function problemOf(typed: string, to: string, present: string): 'email-missing' | 'email-shape' | 'email-same' | null {
  if (typed === '') return 'email-missing';
  if (to === '') return 'email-shape';
  return normalizeEmail(to) === normalizeEmail(present) ? 'email-same' : null;
}
