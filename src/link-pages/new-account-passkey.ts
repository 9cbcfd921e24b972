import type { Context } from 'koa';
import { authenticatorName } from '../accounts/authenticator-names.ts';
import { registrationIn, withCodes } from '../accounts/new-passkey.ts';
import type { Passkeys } from '../accounts/passkeys.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { NewcomerPurpose } from '../links/link.ts';
import type { SignUpRules } from '../links/sign-up.ts';
import type { Pages } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';
import { claimsOf, createByLink, type Newcomer, named, newcomerIn } from './newcomer.ts';

export interface NewAccountByPasskeyDeps {
  accounts: Pick<AccountStore, 'createByLink'>;
  passkeys: Passkeys;
  recoveryCodes: RecoveryCodes;
  signUp: SignUpRules;
  attempts: Attempts;
  returns: ReturnCookie;
  pages: Pages;
}

/** An account that has a passkey and no password. */
export function createNewAccountByPasskey(purpose: NewcomerPurpose, deps: NewAccountByPasskeyDeps): LinkPage {
  const { accounts, passkeys, recoveryCodes, signUp, attempts, returns, pages } = deps;

  /**
   * The authenticator keeps the account's id before there is an account. The form brings the id back, and with it the
   * challenge, which nobody but us can make for it, and which we make for ids of ours only (docs/decisions/028).
   */
  const occasionOf = ({ tokenHash }: OpenedLink, accountId: string) => `${purpose}/${tokenHash}/${accountId}`;

  async function page(ctx: Context, opened: OpenedLink, newcomer: Newcomer, problem: Problem = null, status = 200) {
    const { email: accountEmail, name } = newcomer;
    const accountId = newId('acc');
    const owner = { id: accountId, email: accountEmail, name: name || undefined };
    const options = await passkeys.creationOptions(occasionOf(opened, accountId), owner);
    const frame = { action: '/link', csrf: opened.csrf, passwordHref: '/link' };
    pages.send(ctx, 'new-account-passkey', { ...frame, accountEmail, accountId, name, options, problem }, { status });
  }

  return {
    show: (ctx, opened) => page(ctx, opened, newcomerIn(opened, purpose, signUp)),
    async submit(ctx, opened, form) {
      const newcomer = named(newcomerIn(opened, purpose, signUp), form);
      const { email, emailVerified, role } = newcomer;
      const t = pages.texts(ctx);
      const refuse = async (problem: Problem, status = 422) => {
        await page(ctx, opened, newcomer, problem, status);
        return false;
      };
      if (!newcomer.isFit) return refuse({ field: 'name', text: t('problem.profile-name') });
      try {
        const attempt = await attempts.address('enrolment', (ctx.state as RequestState).address);
        const id = form.get('account_id') ?? '';
        const response = registrationIn(form.get('credential') ?? '');
        const { registered } = await passkeys.verifyCreation(occasionOf(opened, id), response);
        await attempt.succeeded();

        const name = (await authenticatorName(registered.aaguid)) || t('passkey-enrolment.unnamed');
        const first = { registered, name };
        const { passkey, codes } = withCodes(recoveryCodes, { id, hasSecondFactor: false }, first);
        const account = { id, email, emailVerified, role, claims: claimsOf(newcomer, pages, ctx), passwordHash: null };
        await createByLink(accounts, ctx, account, { purpose, tokenHash: opened.tokenHash }, passkey);
        const next = { href: returns.href(ctx), label: t('sign-in.submit') };
        pages.send(ctx, 'new-account-codes', { accountEmail: email, codes: codes ?? [], next });
        return true;
      } catch (err) {
        if (err instanceof Conflict && err.message === 'email') {
          const next = { href: returns.href(ctx), label: t('sign-in.submit') };
          const paragraphs = [t('notice.sign-up-taken.what', { email })];
          pages.send(ctx, 'notice', { title: t('notice.sign-up-taken.heading'), paragraphs, next }, { status: 409 });
          return true;
        }
        const isRefused = err instanceof Conflict || (err instanceof Refusal && err.code === 'passkey_refused');
        if (isRefused) return refuse({ field: 'passkey', text: t('problem.passkey-new') });
        return refuse(...tryLater(ctx, t, err));
      }
    },
  };
}
