import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import { parseAssertion } from '../accounts/assertion-form.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { Assertion, Passkeys } from '../accounts/passkeys.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import { alternativesTo } from './alternatives.ts';
import { due } from './due.ts';
import { aboutAnother, type Interaction, type Interactions, type Progress } from './interaction.ts';
import type { SignInPage } from './sign-in-page.ts';
import { addressOf, frame, interactionPath, problemOf, type StepPage } from './step.ts';
import type { TrustBrowser } from './trust-browser.ts';

export interface PasskeyStepDeps {
  interactions: Interactions;
  accounts: AccountStore;
  passkeys: Passkeys;
  passkeyStore: PasskeyStore;
  attempts: Attempts;
  signInPage: SignInPage;
  trustBrowser: TrustBrowser;
  audit: Audit;
  csrf: Csrf;
  pages: Pages;
  clock: Clock;
}

interface Shown {
  problem?: Problem;
  status?: number;
  remember?: boolean;
  /** What was sent, where the page is shown again. */
  form?: URLSearchParams;
}

/** By itself, of whomever it is; or, after a first factor, of whom that proved: one form in two places. */
export function createPasskeyStep(deps: PasskeyStepDeps): StepPage {
  const {
    interactions,
    accounts,
    passkeys,
    passkeyStore,
    attempts,
    signInPage,
    trustBrowser,
    audit,
    csrf,
    pages,
    clock,
  } = deps;

  async function page(ctx: Context, interaction: Interaction, { problem = null, ...shown }: Shown = {}): Promise<void> {
    const owner = ownerOf(interaction);
    if (!owner) return signInPage(ctx, interaction, { problem, ...shown });
    const { uiLocales } = interaction;
    const data = {
      ...{ ...frame(csrf, interaction, 'passkey'), accountEmail: owner.email, problem },
      options: await passkeys.requestOptions(interactions.occasion(interaction), owner.id),
      alternatives: alternativesTo('passkey', interaction),
      trust: trustBrowser.offer(interaction, shown.form),
    };
    pages.send(ctx, 'passkey', data, { status: shown.status ?? 200, uiLocales });
  }

  /** The same answer whatever was wrong with it. @throws {Refusal} */
  async function accept(ctx: Context, { client }: Interaction, assertion: Assertion): Promise<Account> {
    const { id: credentialId, accountId } = assertion.passkey;
    const account = await accounts.find(accountId);
    if (account?.status !== 'active') throw new Refusal('passkey_refused', 422);
    if (!(await passkeys.take(assertion))) {
      await passkeyStore.refuseCounter(assertion.passkey, client.id, byVisitor(ctx.state, 'visitor'));
      throw new Refusal('passkey_refused', 422);
    }
    const event = { event: 'passkey.used', accountId, clientId: client.id, credentialId } as const;
    await audit.write(event, byVisitor(ctx.state, accountId));
    return account;
  }

  return {
    show: (ctx, interaction) => page(ctx, interaction),

    async submit(ctx, interaction, form) {
      const remember = form.get('remember') === 'yes';
      const owner = ownerOf(interaction);
      const occasion = interactions.occasion(interaction);
      let accountId = owner?.id ?? null;
      let account: Account;
      let assertion: Assertion;
      try {
        const attempt = await attempts.address('passkey', addressOf(ctx));
        assertion = await passkeys.verifyAssertion(occasion, accountId, parseAssertion(form.get('credential')));
        accountId = assertion.passkey.accountId;
        // Spends the challenge: whatever becomes of this answer, it is not heard again.
        if (!(await interactions.record(interaction, interaction.progress))) {
          return seeOther(ctx, interactionPath(interaction));
        }
        account = await accept(ctx, interaction, assertion);
        await attempt.succeeded();
      } catch (err) {
        const problem = problemOf(pages, ctx, interaction, err);
        const { code, status, beginsBlock } = err as Refusal;
        const event = code === 'too_many_attempts' ? 'sign_in.limited' : 'sign_in.failed';
        if (event === 'sign_in.failed' || beginsBlock) {
          const failed = { event, accountId, clientId: interaction.client.id, factor: 'passkey' } as const;
          await audit.write(failed, byVisitor(ctx.state, 'visitor'));
        }
        return page(ctx, interaction, { problem, status, form, ...(!owner && { remember }) });
      }

      const before = provedBefore(interaction, account);
      const proofs = before.proofs.filter(({ method }) => method !== 'passkey');
      const proof = { method: 'passkey', at: clock(), passkey: assertion.proof } as const;
      await interactions.record(interaction, {
        ...{ ...before, accountId: account.id, proofs: [...proofs, proof] },
        ...(owner ? { trust: trustBrowser.isWished(interaction, form) } : { remember }),
        factorsVersion: before.factorsVersion ?? account.factorsVersion,
      });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}

/** Who is known by a first factor. Of nobody else is said which passkeys there are. */
function ownerOf(interaction: Interaction): Account | null {
  return due(interaction).step === 'second-factor' ? interaction.account : null;
}

/** What another account proved in this flow does not count for this one. */
function provedBefore({ progress }: Interaction, { id }: Account): Progress {
  return progress.accountId === id ? progress : aboutAnother(progress);
}
