import type { Context } from 'koa';
import type { Role, StandardClaims } from '../accounts/account.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import { profileOf, wrongFieldOf } from '../accounts/profile.ts';
import type { AccountStore } from '../accounts/store.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { NewcomerPurpose } from '../links/link.ts';
import { admits, type SignUpRules } from '../links/sign-up.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import type { ReturnCookie } from '../web/return-cookie.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { LinkPage, OpenedLink } from './link-page.ts';

export interface NewAccountDeps {
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

  function newcomerIn({ link: { detail } }: OpenedLink) {
    const { email = '', name = '', mailed } = detail;
    if (!admits(signUp, purpose, email)) throw new Refusal('link_spent', 410);
    const role: Role = purpose === 'invitation' && detail['role'] === 'administrator' ? 'administrator' : 'user';
    const minimum = minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });
    return { email, name, role, minimum, emailVerified: purpose === 'sign-up' || mailed === 'yes' };
  }
  type Newcomer = ReturnType<typeof newcomerIn>;

  function page(ctx: Context, { csrf }: OpenedLink, newcomer: Newcomer, problem: Problem = null, status = 200): void {
    const { email: accountEmail, name, minimum: minLength } = newcomer;
    pages.send(ctx, 'new-account', { action: '/link', csrf, accountEmail, name, minLength, problem }, { status });
  }

  /** False where the address was taken since the letter went out. */
  async function create(
    ctx: Context,
    { tokenHash }: OpenedLink,
    { email, emailVerified, role }: Newcomer,
    { password, claims }: { password: string; claims: StandardClaims },
  ): Promise<boolean> {
    const id = newId('acc');
    const account = { id, email, emailVerified, role, claims, passwordHash: await passwords.hash(password) };
    try {
      const done = await accounts.createByLink(account, { purpose, tokenHash }, byVisitor(ctx.state, id));
      if (!done) throw new Refusal('link_spent', 410);
      return true;
    } catch (err) {
      if (err instanceof Conflict) return false;
      throw err;
    }
  }

  return {
    show: async (ctx, opened) => page(ctx, opened, newcomerIn(opened)),
    async submit(ctx, opened, form) {
      const name = (form.get('name') ?? '').normalize('NFC').trim();
      const newcomer = { ...newcomerIn(opened), name };
      const t = pages.texts(ctx);
      const refuse = (problem: Problem, status = 422) => {
        page(ctx, opened, newcomer, problem, status);
        return false;
      };
      if (wrongFieldOf(profileOf({ name }))) return refuse({ field: 'name', text: t('problem.profile-name') });
      try {
        // Each try costs a hash or a look elsewhere, so it is counted.
        await attempts.address('new-password', (ctx.state as RequestState).address);
      } catch (err) {
        return refuse(...tryLater(ctx, t, err));
      }
      const { email, minimum } = newcomer;
      const claims = { ...(name !== '' && { name }), locale: pages.language(ctx) };
      const password = form.get('new_password') ?? '';
      const problem = await passwordPolicy.assess(
        password,
        { minimum, email, claims },
        byVisitor(ctx.state, 'visitor'),
      );
      if (problem) return refuse({ field: 'new_password', text: t(`problem.${problem.code}`, { n: problem.n }) });

      const outcome = (await create(ctx, opened, newcomer, { password, claims })) ? 'done' : 'taken';
      const notice = {
        title: t(`notice.sign-up-${outcome}.heading`),
        paragraphs: [t(`notice.sign-up-${outcome}.what`, { email })],
        next: { href: returns.href(ctx), label: t('sign-in.submit') },
      };
      pages.send(ctx, 'notice', notice, { status: outcome === 'done' ? 200 : 409 });
      return true;
    },
  };
}
