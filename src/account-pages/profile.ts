import type { Context } from 'koa';
import { PROFILE_FIELDS, type Profile, profileOf, withProfile, wrongFieldOf } from '../accounts/profile.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface ProfileDeps {
  accounts: AccountStore;
  csrf: Csrf;
  pages: Pages;
}

export function createProfile({ accounts, csrf, pages }: ProfileDeps): Part {
  function page(ctx: Context, session: OwnSession, profile: Profile, problem: Problem = null, status = 200): void {
    const data = { ...frame(csrf, session, 'profile'), action: '/account/profile', profile, problem };
    pages.send(ctx, 'account-profile', data, { status });
  }

  return {
    sections: {
      profile: { fresh: false, show: async (ctx, session) => page(ctx, session, profileOf(session.account.claims)) },
    },
    actions: {
      profile: {
        ...{ fresh: false, on: 'profile' },
        async submit(ctx, session, form) {
          const { account } = session;
          const profile = Object.fromEntries(
            PROFILE_FIELDS.map((field) => [field, (form.get(field) ?? '').normalize('NFC').trim()]),
          ) as Profile;
          const t = pages.texts(ctx);
          const field = wrongFieldOf(profile);
          if (field) return page(ctx, session, profile, { field, text: t(`problem.profile-${field}`) }, 422);
          const claims = withProfile(account.claims, profile);
          const done = await accounts.changeProfile(account, claims, byVisitor(ctx.state, account.id));
          if (!done) return page(ctx, session, profile, { field: null, text: t('problem.changed-meanwhile') }, 409);
          seeOther(ctx, '/account?done=profile');
        },
      },
    },
  };
}
