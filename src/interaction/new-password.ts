import { setTimeout } from 'node:timers/promises';
import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import type { Clock } from '../lib/clock.ts';
import type { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import type { Interaction, Interactions } from './interaction.ts';
import { addressOf, frame, interactionPath, problemOf, type StepPage } from './step.ts';

export interface NewPasswordDeps {
  interactions: Interactions;
  accounts: AccountStore;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  attempts: Attempts;
  levelPolicy: LevelPolicy;
  csrf: Csrf;
  pages: Pages;
  clock: Clock;
}

/** The password that was just proved is given up for another before the sign-in is done. */
export function createNewPasswordStep(deps: NewPasswordDeps): StepPage {
  const { interactions, accounts, passwords, passwordPolicy, attempts, levelPolicy, csrf, pages, clock } = deps;

  /** An authenticator can be removed again; only where one is demanded may the password be short. */
  const minimumOf = ({ role }: Account) => minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, role) });

  function page(ctx: Context, interaction: Interaction, account: Account, problem: Problem = null, status = 200): void {
    const { uiLocales } = interaction;
    const form = { accountEmail: account.email, minLength: minimumOf(account), problem };
    pages.send(ctx, 'new-password', { ...frame(csrf, interaction, 'new-password'), ...form }, { status, uiLocales });
  }

  /** @returns what is wrong with it, in the person's language; null where it is taken */
  async function assess(ctx: Context, interaction: Interaction, account: Account, password: string) {
    const t = pages.texts(ctx, interaction.uiLocales);
    const { email, claims, passwordHash } = account;
    const owner = { minimum: minimumOf(account), email, claims };
    const problem = await passwordPolicy.assess(password, owner, byVisitor(ctx.state, account.id));
    if (problem) return t(`problem.${problem.code}`, { n: problem.n });
    return (await passwords.verify(passwordHash, password)) ? t('problem.password-same') : null;
  }

  return {
    async show(ctx, interaction) {
      page(ctx, interaction, accountOf(interaction));
    },

    async submit(ctx, interaction, form) {
      const account = accountOf(interaction);
      const password = form.get('new_password') ?? '';
      try {
        // Each try costs two hashes and perhaps a look elsewhere, so it is counted.
        const attempt = await attempts.address('new-password', addressOf(ctx));
        const text = await assess(ctx, interaction, account, password);
        if (text !== null) return page(ctx, interaction, account, { field: 'new_password', text }, 422);
        // Where everybody has to change, a whole office does it from one address.
        await attempt.succeeded();
      } catch (err) {
        return page(ctx, interaction, account, problemOf(pages, ctx, interaction, err), (err as Refusal).status);
      }

      const hash = await passwords.hash(password);
      const endedAt = await accounts.changePassword(account, hash, byVisitor(ctx.state, account.id));
      if (endedAt !== null) {
        // The session that this sign-in begins must be younger than what the change has ended.
        while (clock() <= endedAt) await setTimeout(1);
        const after = { factorsVersion: account.factorsVersion + 1, renewedAt: clock() };
        await interactions.record(interaction, { ...interaction.progress, ...after });
      }
      // Where another change came first, nothing that was proved counts any more, and the password is asked for.
      seeOther(ctx, interactionPath(interaction));
    },
  };
}

function accountOf({ account }: Interaction): Account {
  if (!account) throw new Error('a new password is asked of nobody');
  return account;
}
