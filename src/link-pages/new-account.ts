import type { Context } from 'koa';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import { Conflict } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { NewcomerPurpose } from '../links/link.ts';
import type { SignUpRules } from '../links/sign-up.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';
import { createNewAccountByPasskey, type NewAccountByPasskeyDeps } from './new-account-passkey.ts';
import { claimsOf, createByLink, type Newcomer, named, newcomerIn } from './newcomer.ts';

export interface NewAccountDeps extends NewAccountByPasskeyDeps {
  accounts: Pick<AccountStore, 'createByLink'>;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  levelPolicy: LevelPolicy;
  signUp: SignUpRules;
  attempts: Attempts;
  returns: ReturnCookie;
  pages: Pages;
}

/**
 * An account for whoever reads the mail of an address. Nobody is signed in by it: letters are opened elsewhere, and the
 * sign-in has the limits, the second factor and the audit event.
 */
export function createNewAccount(purpose: NewcomerPurpose, deps: NewAccountDeps): LinkPage {
  const { accounts, passwords, passwordPolicy, levelPolicy, signUp, attempts, returns, pages } = deps;
  const byPasskey = levelPolicy.passkeys ? createNewAccountByPasskey(purpose, deps) : null;

  const minimumOf = ({ role }: Newcomer) => minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });

  function page(ctx: Context, { csrf }: OpenedLink, newcomer: Newcomer, problem: Problem = null, status = 200): void {
    const { email: accountEmail, name } = newcomer;
    const passkeyHref = byPasskey && '/link?method=passkey';
    const data = { action: '/link', csrf, accountEmail, name, minLength: minimumOf(newcomer), passkeyHref, problem };
    pages.send(ctx, 'new-account', data, { status });
  }

  return {
    async show(ctx, opened) {
      if (byPasskey && ctx.query['method'] === 'passkey') return byPasskey.show(ctx, opened);
      page(ctx, opened, newcomerIn(opened, purpose, signUp));
    },
    async submit(ctx, opened, form) {
      if (byPasskey && form.has('credential')) return byPasskey.submit(ctx, opened, form);
      const newcomer = named(newcomerIn(opened, purpose, signUp), form);
      const { email, emailVerified, role } = newcomer;
      const t = pages.texts(ctx);
      const refuse = (problem: Problem, status = 422) => {
        page(ctx, opened, newcomer, problem, status);
        return false;
      };
      if (!newcomer.isFit) return refuse({ field: 'name', text: t('problem.profile-name') });
      try {
        // Each try costs a hash or a look elsewhere, so it is counted.
        await attempts.address('new-password', (ctx.state as RequestState).address);
      } catch (err) {
        return refuse(...tryLater(ctx, t, err));
      }
      const claims = claimsOf(newcomer, pages, ctx);
      const password = form.get('new_password') ?? '';
      const known = { minimum: minimumOf(newcomer), email, claims };
      const problem = await passwordPolicy.assess(password, known, byVisitor(ctx.state, 'visitor'));
      if (problem) return refuse({ field: 'new_password', text: t(`problem.${problem.code}`, { n: problem.n }) });

      const passwordHash = await passwords.hash(password);
      const account = { id: newId('acc'), email, emailVerified, role, claims, passwordHash };
      const taken = await createByLink(accounts, ctx, account, { purpose, tokenHash: opened.tokenHash }).catch(orTaken);
      const outcome = taken ? 'taken' : 'done';
      const notice = {
        title: t(`notice.sign-up-${outcome}.heading`),
        paragraphs: [t(`notice.sign-up-${outcome}.what`, { email })],
        next: { href: returns.href(ctx), label: t('sign-in.submit') },
        also: byPasskey && !taken ? { href: '/account/passkeys/new', label: t('notice.sign-up-done.passkey') } : null,
      };
      pages.send(ctx, 'notice', notice, { status: taken ? 409 : 200 });
      return true;
    },
  };
}

function orTaken(err: unknown): true {
  if (err instanceof Conflict) return true;
  throw err;
}
