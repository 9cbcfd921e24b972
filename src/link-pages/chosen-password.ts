import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';

export interface ChosenPasswordDeps {
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  levelPolicy: LevelPolicy;
  attempts: Attempts;
  pages: Pages;
}

/** A password that somebody chooses who holds a link, and cannot be asked for the one before. */
export function createChosenPassword({ passwords, passwordPolicy, levelPolicy, attempts, pages }: ChosenPasswordDeps) {
  const minimumOf = ({ role }: Account) => minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });

  return {
    minimumOf,
    /** @returns why it is not taken, with the status to answer; null where it is */
    async refusalOf(
      ctx: Context,
      owner: Account,
      password: string,
    ): Promise<[problem: Problem, status: number] | null> {
      const t = pages.texts(ctx);
      try {
        // Each try costs a hash or a look elsewhere, so it is counted.
        await attempts.address('new-password', (ctx.state as RequestState).address);
      } catch (err) {
        return tryLater(ctx, t, err);
      }
      const known = { minimum: minimumOf(owner), email: owner.email, claims: owner.claims };
      const problem = await passwordPolicy.assess(password, known, byVisitor(ctx.state, owner.id));
      if (problem) return [{ field: 'new_password', text: t(`problem.${problem.code}`, { n: problem.n }) }, 422];
      // Who was told to give a password up does not get around that by this way to set one.
      if (owner.mustChangePassword && (await passwords.verify(owner.passwordHash, password))) {
        return [{ field: 'new_password', text: t('problem.password-same') }, 422];
      }
      return null;
    },
  };
}
