import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { LevelPolicy } from '../assurance/demand.ts';
import { whyKept } from '../assurance/removal.ts';
import { Refusal } from '../lib/errors.ts';
import { seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import { meansOf } from './means.ts';
import type { OwnSession } from './own-session.ts';
import type { Part } from './section.ts';

export interface PasswordRemovalDeps {
  accounts: AccountStore;
  passkeyStore: PasskeyStore;
  levelPolicy: LevelPolicy;
}

/** For whoever has a passkey to sign in with instead. */
export async function mayRemovePassword(
  { accounts, passkeyStore, levelPolicy }: PasswordRemovalDeps,
  session: OwnSession,
): Promise<boolean> {
  const has = await meansOf({ accounts, passkeyStore }, session);
  return has.password && whyKept(levelPolicy, session.account, has, { ...has, password: false }) === null;
}

/** What is not there is not guessed, not reused and not given away. A mailed link may set one again. */
export function createPasswordRemoval(deps: PasswordRemovalDeps): Part {
  return {
    actions: {
      'password/remove': {
        ...{ fresh: true, on: 'password' },
        async submit(ctx, session) {
          const { account } = session;
          // No button says so; the account as it was is what keeps two requests from removing the passkey as well.
          if (!(await mayRemovePassword(deps, session))) throw new Refusal('form_invalid', 409);
          const done = await deps.accounts.removePassword(account, byVisitor(ctx.state, account.id));
          if (!done) throw new Refusal('flow_expired', 409);
          seeOther(ctx, '/account?done=password-removed');
        },
      },
    },
  };
}
