import { nameOf } from '../accounts/new-passkey.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { LevelPolicy } from '../assurance/demand.ts';
import { whyKept } from '../assurance/removal.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import { meansOf } from './means.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface AuthenticatorsDeps {
  accounts: AccountStore;
  passkeyStore: PasskeyStore;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
}

export function createAuthenticators({ accounts, passkeyStore, levelPolicy, csrf, pages }: AuthenticatorsDeps): Part {
  /** The policy that demands a second factor would ask for a new one at the next sign-in. */
  async function mustKeepOne(session: OwnSession): Promise<boolean> {
    const has = await meansOf({ accounts, passkeyStore }, session);
    const left = { ...has, authenticators: has.authenticators - 1 };
    return whyKept(levelPolicy, session.account, has, left) !== null;
  }

  return {
    sections: {
      authenticators: {
        fresh: false,
        async show(ctx, session) {
          const known = await accounts.authenticators(session.account.id);
          pages.send(ctx, 'account-authenticators', {
            ...frame(csrf, session, 'authenticators'),
            mayRemove: !(await mustKeepOne(session)),
            authenticators: known.map(({ id, name, createdAt }) => ({ id, name, addedAt: iso(createdAt) })),
          });
        },
      },
    },
    actions: {
      'authenticators/rename': {
        ...{ fresh: false, on: 'authenticators' },
        async submit(ctx, { account }, form) {
          const name = nameOf(form.get('name') ?? '');
          const by = byVisitor(ctx.state, account.id);
          if (name !== '' && !(await accounts.renameTotp(account.id, form.get('id') ?? '', name, by))) {
            throw new Refusal('not_found', 404);
          }
          seeOther(ctx, '/account/authenticators');
        },
      },
      'authenticators/remove': {
        ...{ fresh: true, on: 'authenticators' },
        async submit(ctx, session, form) {
          const { account } = session;
          const known = await accounts.authenticators(account.id);
          const id = form.get('id') ?? '';
          if (!known.some((one) => one.id === id)) throw new Refusal('not_found', 404);
          // No button says so where it is the last; the account as it was is what keeps two requests from removing two.
          if (await mustKeepOne(session)) throw new Refusal('form_invalid', 409);
          const done = await accounts.removeTotp(account, id, byVisitor(ctx.state, account.id));
          if (!done) throw new Refusal('flow_expired', 409);
          seeOther(ctx, '/account/authenticators');
        },
      },
    },
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
