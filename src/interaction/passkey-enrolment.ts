import type { Context } from 'koa';
import { type Account, hasSecondFactor } from '../accounts/account.ts';
import { authenticatorName } from '../accounts/authenticator-names.ts';
import { nameOf, registrationIn, withCodes } from '../accounts/new-passkey.ts';
import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { Passkeys } from '../accounts/passkeys.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { Clock } from '../lib/clock.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import { due } from './due.ts';
import type { Form } from './flow.ts';
import type { Interaction, Interactions } from './interaction.ts';
import { laterOffer } from './later.ts';
import { addressOf, frame, interactionPath, problemOf, type StepPage } from './step.ts';

export interface PasskeyEnrolmentDeps {
  interactions: Interactions;
  passkeys: Passkeys;
  passkeyStore: Pick<PasskeyStore, 'enrol'>;
  recoveryCodes: RecoveryCodes;
  attempts: Attempts;
  csrf: Csrf;
  pages: Pages;
  clock: Clock;
}

/** A new passkey, for whoever has proved in this flow all that the account has, or all that is left of it. */
export function createPasskeyEnrolmentStep(deps: PasskeyEnrolmentDeps): StepPage {
  const { interactions, passkeys, passkeyStore, recoveryCodes, attempts, csrf, pages, clock } = deps;

  function ownerOf({ account }: Interaction): Account {
    if (!account) throw new Error('a passkey for nobody');
    return account;
  }

  async function page(
    ctx: Context,
    interaction: Interaction,
    { name = '', problem = null as Problem, status = 200 } = {},
  ): Promise<void> {
    const { uiLocales, demanded, demandedBy: reason } = interaction;
    const { id, email, claims } = ownerOf(interaction);
    const occasion = interactions.occasion(interaction);
    const options = await passkeys.creationOptions(occasion, { id, email, name: claims.name });
    const { forms } = due(interaction);
    const hrefOf = (form: Form) => (forms.includes(form) ? `${interactionPath(interaction)}?method=${form}` : null);
    const data = {
      ...frame(csrf, interaction, 'passkey-enrolment'),
      ...{ accountEmail: email, options, name, reason, later: laterOffer(interaction), problem },
      ...{ isDemanded: demanded === 'phishing-resistant' },
      ...{ totpHref: hrefOf('totp-enrolment'), passkeyHref: hrefOf('passkey') },
    };
    pages.send(ctx, 'passkey-enrolment', data, { status, uiLocales });
  }

  /** @throws what is no problem of the form */
  function refusalOf(ctx: Context, interaction: Interaction, err: unknown): [NonNullable<Problem>, number] {
    // Registered already, for whomever: no more is said of it than of any other that is refused.
    const isRefused = err instanceof Conflict || (err instanceof Refusal && err.code === 'passkey_refused');
    if (!isRefused) return [problemOf(pages, ctx, interaction, err), (err as Refusal).status];
    return [{ field: 'passkey', text: pages.texts(ctx, interaction.uiLocales)('problem.passkey-new') }, 422];
  }

  /** @throws {Refusal} `passkey_refused`, `too_many_attempts` */
  async function verified(ctx: Context, interaction: Interaction, form: URLSearchParams) {
    const attempt = await attempts.address('enrolment', addressOf(ctx));
    const response = registrationIn(form.get('credential') ?? '');
    const created = await passkeys.verifyCreation(interactions.occasion(interaction), response);
    await attempt.succeeded();
    return created;
  }

  return {
    show: (ctx, interaction) => page(ctx, interaction),

    async submit(ctx, interaction, form) {
      const { progress, uiLocales } = interaction;
      const account = ownerOf(interaction);
      const name = nameOf(form.get('name') ?? '');
      try {
        const { registered, proof } = await verified(ctx, interaction, form);
        // Spent before it counts: of an answer that is sent ten times, one is left.
        if (!(await interactions.record(interaction, progress))) return seeOther(ctx, interactionPath(interaction));

        const known =
          name ||
          (await authenticatorName(registered.aaguid)) ||
          pages.texts(ctx, uiLocales)('passkey-enrolment.unnamed');
        const owner = { id: account.id, hasSecondFactor: hasSecondFactor(account) };
        const { passkey, codes } = withCodes(recoveryCodes, owner, { registered, name: known });
        const done = await passkeyStore.enrol(account, passkey, byVisitor(ctx.state, account.id));
        // A password or factor was changed meanwhile, perhaps by somebody else: this sign-in starts over.
        if (!done) throw new Refusal('enrolment_expired', 409);

        const proofs = [...progress.proofs, { method: 'passkey', at: clock(), passkey: proof } as const];
        const after = { factorsVersion: account.factorsVersion + 1, proofs, recoveryCodes: codes };
        await interactions.record(interaction, { ...progress, ...after });
        seeOther(ctx, interactionPath(interaction));
      } catch (err) {
        const [problem, status] = refusalOf(ctx, interaction, err);
        await page(ctx, interaction, { name, problem, status });
      }
    },
  };
}
