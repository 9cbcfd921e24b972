import type { Context } from 'koa';
import { type Account, isEmail, normalizeEmail } from '../accounts/account.ts';
import { isTooLong, type Passwords } from '../accounts/passwords.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Audit, AuditEvent } from '../audit/audit.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import { aboutAnother, type Interaction, type Interactions, stillCounts } from './interaction.ts';
import type { BrowserCookie } from './known-browser.ts';
import type { SignInPage } from './sign-in-page.ts';
import { addressOf, interactionPath, problemOf, type StepPage } from './step.ts';
import type { UnlockLetter } from './unlock-letter.ts';

export interface PasswordStepDeps {
  interactions: Interactions;
  accounts: AccountStore;
  passwords: Passwords;
  attempts: Attempts;
  knownBrowser: BrowserCookie;
  unlockLetter: UnlockLetter;
  signInPage: SignInPage;
  audit: Audit;
  pages: Pages;
  clock: Clock;
}

export function createPasswordStep(deps: PasswordStepDeps): StepPage {
  const { interactions, accounts, passwords, attempts, knownBrowser, unlockLetter, signInPage } = deps;
  const { audit, pages, clock } = deps;

  /** Unknown, wrong and disabled do the same work and get the same answer. @throws {Refusal} */
  async function verify(ctx: Context, interaction: Interaction, email: string, password: string): Promise<Account> {
    const account = await accounts.findByEmail(email);
    const attempt =
      (await knownBrowser.attempt(ctx, account?.id ?? null)) ??
      (await attempts.password(email, addressOf(ctx), password));
    const matches = await passwords.verify(account?.passwordHash ?? null, password).catch(async (err) => {
      if (isBusy(err)) await attempt.withdrawn();
      throw err;
    });
    if (!account?.passwordHash || !matches || account.status !== 'active') {
      const accountId = account?.id ?? null;
      const event = {
        event: 'sign_in.failed',
        accountId,
        clientId: interaction.client.id,
        factor: 'password',
      } as const;
      await audit.write(event, byVisitor(ctx.state, 'visitor'));
      throw new Refusal('credentials_wrong', 422);
    }
    await attempt.succeeded();
    if (passwords.isOutdated(account.passwordHash)) await upgrade(account.id, account.passwordHash, password);
    return account;
  }

  /** Where there is no time for it, the next sign-in will do it. */
  async function upgrade(accountId: string, oldHash: string, password: string): Promise<void> {
    const hash = await passwords.hash(password).catch((err) => {
      if (isBusy(err)) return null;
      throw err;
    });
    if (hash !== null) await accounts.upgradePasswordHash(accountId, oldHash, hash);
  }

  return {
    show: (ctx, interaction) => signInPage(ctx, interaction),

    async submit(ctx, interaction, form) {
      const typed = (form.get('email') ?? '').trim();
      const password = form.get('password') ?? '';
      const remember = form.get('remember') === 'yes';
      const refuse = (email: string, problem: Problem, status = 422) =>
        signInPage(ctx, interaction, { email, problem, status, remember });
      const t = pages.texts(ctx, interaction.uiLocales);
      if (!isEmail(typed)) {
        const text = t(typed === '' ? 'problem.email-missing' : 'problem.email-shape');
        return refuse(typed.slice(0, 254), { field: 'email', text });
      }
      if (password === '') return refuse(typed, { field: 'password', text: t('problem.password-missing') });
      if (isTooLong(password)) {
        return refuse(typed, { field: 'credentials', text: t('problem.credentials') });
      }

      let account: Account;
      try {
        account = await verify(ctx, interaction, normalizeEmail(typed), password);
      } catch (err) {
        const problem = problemOf(pages, ctx, interaction, err);
        const refusal = err as Refusal;
        if (refusal.beginsBlock) {
          await audit.write(blockEvent(refusal, interaction.client.id), byVisitor(ctx.state, 'visitor'));
        }
        if (!unlockLetter.isFor(refusal)) return refuse(typed, problem, refusal.status);
        if (refusal.beginsBlock) {
          await unlockLetter.send(ctx, normalizeEmail(typed), pages.language(ctx, interaction.uiLocales));
        }
        return refuse(typed, { ...problem, text: `${problem.text} ${t('problem.unlock-letter')}` }, refusal.status);
      }

      // What another account proved in this flow does not count for this one, and neither does an older password; nor
      // what was proved before a change that came while the form was sent, which takes as long as its sender likes.
      const { progress } = interaction;
      const { id: accountId, factorsVersion } = account;
      const isAboutThis = progress.accountId === accountId && stillCounts(progress, account);
      const before = isAboutThis ? progress : aboutAnother(progress);
      const proofs = before.proofs.filter(({ method }) => method !== 'pwd' && method !== 'browser');
      const at = clock();
      // As old as the password: what is proved is that this is such a browser, and it is proved now.
      const stands = (await knownBrowser.isTrusted(ctx, account)) ? [{ method: 'browser', at } as const] : [];
      const proved = [...proofs, { method: 'pwd', at } as const, ...stands];
      await interactions.record(interaction, { ...before, accountId, factorsVersion, proofs: proved, remember });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}

/** What began a wait. Whose account it was is not said: the one that was typed may be the last of many. */
function blockEvent({ sprayed }: Refusal, clientId: string): AuditEvent {
  if (sprayed) return { event: 'sign_in.spraying', clientId, counted: sprayed };
  return { event: 'sign_in.limited', accountId: null, clientId, factor: 'password' };
}

function isBusy(err: unknown): boolean {
  return err instanceof Refusal && err.code === 'busy';
}
