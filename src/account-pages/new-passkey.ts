import type { Context } from 'koa';
import { hasSecondFactor } from '../accounts/account.ts';
import { authenticatorName } from '../accounts/authenticator-names.ts';
import { nameOf, registrationIn, withCodes } from '../accounts/new-passkey.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { Passkeys } from '../accounts/passkeys.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { LevelPolicy } from '../assurance/demand.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

/** More than anybody has devices: each is asked about in every sign-in. */
export const MOST_PASSKEYS = 20;

export interface NewPasskeyDeps {
  passkeys: Passkeys;
  passkeyStore: PasskeyStore;
  recoveryCodes: RecoveryCodes;
  attempts: Attempts;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
}

/** The factors that are there were asked for a moment ago: that is what `fresh` means. */
export function createNewPasskey(deps: NewPasskeyDeps): Part {
  const { passkeys, passkeyStore, recoveryCodes, attempts, levelPolicy, csrf, pages } = deps;
  const path = '/account/passkeys/new';

  async function page(ctx: Context, session: OwnSession, name = '', problem: Problem = null, status = 200) {
    const { id, email, claims } = session.account;
    const options = await passkeys.creationOptions(occasionOf(session), { id, email, name: claims.name });
    const data = { ...frame(csrf, session, 'passkeys'), action: path, options, name, problem };
    pages.send(ctx, 'account-passkey-new', data, { status });
  }

  /** Nobody is led here where there can be no more. */
  async function checkRoom({ account }: OwnSession): Promise<void> {
    if (!levelPolicy.passkeys) throw new Refusal('not_found', 404);
    if ((await passkeyStore.ofAccount(account.id)).length >= MOST_PASSKEYS) throw new Refusal('form_invalid', 409);
  }

  return {
    sections: {
      'passkeys/new': {
        fresh: true,
        async show(ctx, session) {
          await checkRoom(session);
          await page(ctx, session);
        },
      },
    },
    actions: {
      'passkeys/new': {
        ...{ fresh: true, on: 'passkeys/new' },
        async submit(ctx, session, form) {
          await checkRoom(session);
          const { account } = session;
          const name = nameOf(form.get('name') ?? '');
          const t = pages.texts(ctx);
          const refuse = (key: string) => page(ctx, session, name, { field: 'passkey', text: t(key) }, 422);
          try {
            const attempt = await attempts.address('enrolment', (ctx.state as RequestState).address);
            const response = registrationIn(form.get('credential') ?? '');
            const { registered } = await passkeys.verifyCreation(occasionOf(session), response);
            await attempt.succeeded();
            const known = name || (await authenticatorName(registered.aaguid)) || t('passkey-enrolment.unnamed');
            const owner = { id: account.id, hasSecondFactor: hasSecondFactor(account) };
            const { passkey, codes } = withCodes(recoveryCodes, owner, { registered, name: known });
            if (!(await passkeyStore.enrol(account, passkey, byVisitor(ctx.state, account.id)))) {
              throw new Refusal('enrolment_expired', 409);
            }
            if (!codes) return seeOther(ctx, '/account/passkeys');
            const action = '/account/recovery-codes/kept';
            const shown = { ...frame(csrf, session, 'recovery-codes'), action, codes };
            pages.send(ctx, 'recovery-codes', shown);
          } catch (err) {
            // Whoever registered it before, for another account perhaps: it is on that authenticator already.
            if (err instanceof Conflict) return refuse('passkey-ceremony.create-known');
            if (err instanceof Refusal && err.code === 'passkey_refused') return refuse('problem.passkey-new');
            return page(ctx, session, name, ...tryLater(ctx, t, err));
          }
        },
      },
    },
  };
}

/** Every change of factors is another: what was answered once is answered no more. */
function occasionOf({ uid, account }: OwnSession): string {
  return `account/${uid}/${account.id}/${account.factorsVersion}`;
}
