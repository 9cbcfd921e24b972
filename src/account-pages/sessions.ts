import type { Context } from 'koa';
import type { AccountStore } from '../accounts/store.ts';
import type { Audit } from '../audit/audit.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { OwnSession, OwnSessions } from './own-session.ts';
import { frame, type Part } from './section.ts';
import { shownTrust, type TrustedBrowsers } from './trusted-browsers.ts';

export interface SessionsDeps {
  sessions: OwnSessions;
  accounts: AccountStore;
  audit: Audit;
  knownBrowser: TrustedBrowsers;
  csrf: Csrf;
  pages: Pages;
}

export function createSessions({ sessions, accounts, audit, knownBrowser, csrf, pages }: SessionsDeps): Part {
  async function end(ctx: Context, { account }: OwnSession, uid: string): Promise<boolean> {
    const ended = await sessions.end(account.id, uid);
    const event = { event: 'session.ended', accountId: account.id } as const;
    if (ended) await audit.write(event, byVisitor(ctx.state, account.id));
    return ended;
  }

  const signedOut = (ctx: Context) => pages.send(ctx, 'signed-out', { client: null, clientHref: null });

  return {
    sections: {
      sessions: {
        fresh: false,
        async show(ctx, session) {
          const known = await sessions.listOf(session.account.id);
          pages.send(ctx, 'account-sessions', {
            ...frame(csrf, session, 'sessions'),
            sessions: known.map(({ uid, browser, system, address, signedInAt, seenAt }) => ({
              ...{ uid, browser, system, address, isThis: uid === session.uid },
              ...{ signedInAt: new Date(signedInAt).toISOString(), seenAt: new Date(seenAt).toISOString() },
            })),
            trusted: (await knownBrowser.trusted(ctx, session.account)).map(shownTrust),
          });
        },
      },
    },
    actions: {
      'sign-out': {
        ...{ fresh: false, on: '' },
        async submit(ctx, session) {
          await end(ctx, session, session.uid);
          signedOut(ctx);
        },
      },
      'sessions/end': {
        ...{ fresh: false, on: 'sessions' },
        async submit(ctx, session, form) {
          const uid = form.get('session') ?? '';
          // Somebody else's is as if there were none.
          if (!(await end(ctx, session, uid))) throw new Refusal('not_found', 404);
          if (uid === session.uid) return signedOut(ctx);
          seeOther(ctx, '/account/sessions');
        },
      },
      'sessions/end-others': {
        ...{ fresh: false, on: 'sessions' },
        async submit(ctx, session) {
          for (const { uid } of await sessions.listOf(session.account.id)) {
            if (uid !== session.uid) await end(ctx, session, uid);
          }
          seeOther(ctx, '/account/sessions');
        },
      },
      'sessions/end-all': {
        ...{ fresh: false, on: 'sessions' },
        async submit(ctx, { account }) {
          await accounts.signOut(account.id, byVisitor(ctx.state, account.id));
          signedOut(ctx);
        },
      },
    },
  };
}
