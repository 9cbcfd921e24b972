import { authenticatorName } from '../accounts/authenticator-names.ts';
import { nameOf } from '../accounts/new-passkey.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { LevelPolicy } from '../assurance/demand.ts';
import { whyKept } from '../assurance/removal.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import { meansOf } from './means.ts';
import { MOST_PASSKEYS } from './new-passkey.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface PasskeysDeps {
  accounts: AccountStore;
  passkeyStore: PasskeyStore;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
}

export function createPasskeyPages({ accounts, passkeyStore, levelPolicy, csrf, pages }: PasskeysDeps): Part {
  async function whyOneStays(session: OwnSession) {
    const has = await meansOf({ accounts, passkeyStore }, session);
    return whyKept(levelPolicy, session.account, has, { ...has, passkeys: has.passkeys - 1 });
  }

  return {
    sections: {
      passkeys: {
        fresh: false,
        async show(ctx, session) {
          const known = await passkeyStore.ofAccount(session.account.id);
          const passkeys = known.map(async ({ id, name, aaguid, synced, createdAt, lastUsedAt }) => ({
            ...{ id, name, synced, model: await authenticatorName(aaguid) },
            ...{ addedAt: iso(createdAt), usedAt: lastUsedAt === null ? null : iso(lastUsedAt) },
          }));
          pages.send(ctx, 'account-passkeys', {
            ...frame(csrf, session, 'passkeys'),
            passkeys: await Promise.all(passkeys),
            kept: known.length === 0 ? null : await whyOneStays(session),
            offered: levelPolicy.passkeys,
            mayAdd: levelPolicy.passkeys && known.length < MOST_PASSKEYS,
          });
        },
      },
    },
    actions: {
      'passkeys/rename': {
        ...{ fresh: false, on: 'passkeys' },
        async submit(ctx, { account }, form) {
          const name = nameOf(form.get('name') ?? '');
          const by = byVisitor(ctx.state, account.id);
          if (name !== '' && !(await passkeyStore.rename(account.id, form.get('id') ?? '', name, by))) {
            throw new Refusal('not_found', 404);
          }
          seeOther(ctx, '/account/passkeys');
        },
      },
      'passkeys/remove': {
        ...{ fresh: true, on: 'passkeys' },
        async submit(ctx, session, form) {
          const { account } = session;
          const known = await passkeyStore.ofAccount(account.id);
          const id = form.get('id') ?? '';
          if (!known.some((one) => one.id === id)) throw new Refusal('not_found', 404);
          // No button says so where it must stay; the account as it was is what keeps two requests from removing two.
          if ((await whyOneStays(session)) !== null) throw new Refusal('form_invalid', 409);
          const done = await passkeyStore.remove(account, id, byVisitor(ctx.state, account.id));
          if (!done) throw new Refusal('flow_expired', 409);
          seeOther(ctx, '/account/passkeys');
        },
      },
    },
  };
}

function iso(at: Milliseconds): string {
  return new Date(at).toISOString();
}
