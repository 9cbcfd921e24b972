import type { AccountStore } from '../accounts/store.ts';
import { type LevelPolicy, policyLevel } from '../assurance/demand.ts';
import { strongest } from '../assurance/level.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

const LONGEST_NAME = 60;

export interface AuthenticatorsDeps {
  accounts: AccountStore;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
}

export function createAuthenticators({ accounts, levelPolicy, csrf, pages }: AuthenticatorsDeps): Part {
  /** The policy that demands a second factor would ask for a new one at the next sign-in. */
  function mustKeepOne({ account: { role, hasPasskey, demandedLevel } }: OwnSession): boolean {
    const demanded = strongest([policyLevel(levelPolicy, role), demandedLevel ?? 'one-factor']);
    return demanded !== 'one-factor' && !hasPasskey;
  }

  return {
    sections: {
      authenticators: {
        fresh: false,
        async show(ctx, session) {
          const known = await accounts.authenticators(session.account.id);
          pages.send(ctx, 'account-authenticators', {
            ...frame(csrf, session, 'authenticators'),
            mayRemove: known.length > 1 || !mustKeepOne(session),
            authenticators: known.map(({ id, name, createdAt }) => ({ id, name, addedAt: iso(createdAt) })),
          });
        },
      },
    },
    actions: {
      'authenticators/rename': {
        ...{ fresh: false, on: 'authenticators' },
        async submit(ctx, { account }, form) {
          const name = nameIn(form);
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
          if (known.length === 1 && mustKeepOne(session)) throw new Refusal('form_invalid', 409);
          const done = await accounts.removeTotp(account, id, byVisitor(ctx.state, account.id));
          if (!done) throw new Refusal('flow_expired', 409);
          seeOther(ctx, '/account/authenticators');
        },
      },
    },
  };
}

function nameIn(form: URLSearchParams): string {
  const name = (form.get('name') ?? '').normalize('NFC').replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '');
  return [...name.trim()].slice(0, LONGEST_NAME).join('');
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
