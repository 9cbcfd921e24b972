import type { Context } from 'koa';
import { confirmedEnrolment, describeEnrolment } from '../accounts/enrolment.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Totp } from '../accounts/totp.ts';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import { due } from './due.ts';
import type { Interaction, Interactions, PendingEnrolment } from './interaction.ts';
import { laterOffer } from './later.ts';
import { addressOf, frame, interactionPath, problemOf, type StepPage } from './step.ts';

/** A seed that nobody confirmed by then is forgotten. */
export const PENDING_LIFETIME = 10 * MINUTE;

export interface TotpEnrolmentDeps {
  interactions: Interactions;
  accounts: AccountStore;
  totp: Totp;
  recoveryCodes: RecoveryCodes;
  attempts: Attempts;
  csrf: Csrf;
  pages: Pages;
  siteName: string;
  clock: Clock;
}

export function createTotpEnrolmentStep(deps: TotpEnrolmentDeps): StepPage {
  const { interactions, accounts, totp, recoveryCodes, attempts, csrf, pages, siteName, clock } = deps;

  async function page(
    ctx: Context,
    interaction: Interaction,
    { secret }: PendingEnrolment,
    problem: Problem = null,
    status = 200,
  ): Promise<void> {
    const { account, uiLocales, demandedBy } = interaction;
    const accountEmail = account?.email ?? '';
    const takesPasskey = due(interaction).forms.includes('passkey-enrolment');
    const data = {
      ...frame(csrf, interaction, 'totp-enrolment'),
      ...(await describeEnrolment(totp, siteName, accountEmail, secret)),
      ...{ accountEmail, issuerName: siteName, reason: demandedBy, later: laterOffer(interaction), problem },
      passkeyHref: takesPasskey ? `${interactionPath(interaction)}?method=passkey-enrolment` : null,
    };
    pages.send(ctx, 'totp-enrolment', data, { status, uiLocales });
  }

  function pending({ progress: { enrolment } }: Interaction): PendingEnrolment | null {
    return enrolment && enrolment.expiresAt > clock() ? enrolment : null;
  }

  return {
    async show(ctx, interaction) {
      const known = pending(interaction);
      if (known) return page(ctx, interaction, known);

      const { account, progress } = interaction;
      if (!account) throw new Error('an enrolment for nobody');
      const enrolment = {
        secret: totp.newSecret(),
        expiresAt: clock() + toMilliseconds(PENDING_LIFETIME),
        factorsVersion: account.factorsVersion,
      };
      // Of two tabs, one makes the seed and the other shows it.
      if (!(await interactions.record(interaction, { ...progress, enrolment }))) {
        return seeOther(ctx, interactionPath(interaction));
      }
      return page(ctx, interaction, enrolment);
    },

    async submit(ctx, interaction, form) {
      const { account, progress } = interaction;
      const enrolment = pending(interaction);
      if (!account || !enrolment) return seeOther(ctx, interactionPath(interaction));

      let confirmedStep: number;
      try {
        const attempt = await attempts.address('enrolment', addressOf(ctx));
        const step = await totp.stepOf(enrolment.secret, (form.get('code') ?? '').slice(0, 16));
        if (step === null) throw new Refusal('code_wrong', 422);
        await attempt.succeeded();
        confirmedStep = step;
      } catch (err) {
        return page(ctx, interaction, enrolment, problemOf(pages, ctx, interaction, err), (err as Refusal).status);
      }

      const { secret, factorsVersion } = enrolment;
      const confirmed = confirmedEnrolment(recoveryCodes, account.id, { secret, confirmedStep });
      const by = byVisitor(ctx.state, account.id);
      const done = await accounts.enrolTotp(account.id, factorsVersion, confirmed.totp, by);
      // A password or factor was changed meanwhile, perhaps by somebody else: this sign-in starts over.
      if (!done) throw new Refusal('enrolment_expired', 409);

      const proofs = [...progress.proofs, { method: 'otp', at: clock() } as const];
      const after = { factorsVersion: factorsVersion + 1, proofs, enrolment: null, recoveryCodes: confirmed.codes };
      await interactions.record(interaction, { ...progress, ...after });
      seeOther(ctx, interactionPath(interaction));
    },
  };
}
