import type { Context } from 'koa';
import { FEW_CODES_LEFT, type RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { Totp } from '../accounts/totp.ts';
import type { Method } from '../assurance/level.ts';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../lib/clock.ts';
import type { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Problem } from '../web/view-data.ts';
import { alternativesTo } from './alternatives.ts';
import type { Interaction, Interactions } from './interaction.ts';
import { addressOf, frame, interactionPath, problemOf, type StepPage } from './step.ts';
import type { TrustBrowser } from './trust-browser.ts';

export interface SecondFactorDeps {
  interactions: Interactions;
  totp: Totp;
  recoveryCodes: RecoveryCodes;
  attempts: Attempts;
  audit: Audit;
  trustBrowser: TrustBrowser;
  csrf: Csrf;
  pages: Pages;
  clock: Clock;
}

const LONGEST_CODE = 64;
const ASKED = { problem: null, status: 200 };

/** The code of an authenticator app, or a recovery code in its place: one step with two pages. */
export function createSecondFactorSteps(deps: SecondFactorDeps): { totp: StepPage; recoveryCode: StepPage } {
  const { interactions, totp, recoveryCodes, attempts, audit, trustBrowser, csrf, pages, clock } = deps;

  /** Counts the attempt, checks it, records the proof. @returns the problem to show, or null when the browser goes on */
  async function prove(
    ctx: Context,
    interaction: Interaction,
    form: URLSearchParams,
    factor: 'totp' | 'recovery_code',
    method: Method,
    verify: (accountId: string) => Promise<number | null>,
  ): Promise<{ problem: Problem; status: number } | null> {
    const { account, client, progress } = interaction;
    if (!account) throw new Error('a second factor is asked of nobody');
    let codesLeft: number | null;
    try {
      // Counted before it is checked: a code is six digits, and a crash must not hand out a free guess.
      const attempt = await attempts.code(account.id, addressOf(ctx));
      codesLeft = await verify(account.id);
      await attempt.succeeded();
    } catch (err) {
      const problem = problemOf(pages, ctx, interaction, err);
      const { code, status, beginsBlock } = err as Refusal;
      const event = code === 'too_many_attempts' ? 'sign_in.limited' : 'sign_in.failed';
      if (event === 'sign_in.failed' || beginsBlock) {
        const by = byVisitor(ctx.state, 'visitor');
        await audit.write({ event, accountId: account.id, clientId: client.id, factor }, by);
      }
      return { problem, status };
    }
    if (factor === 'totp') {
      const event = { event: 'totp.used', accountId: account.id, clientId: client.id } as const;
      await audit.write(event, byVisitor(ctx.state, account.id));
    }
    const proofs = [...progress.proofs, { method, at: clock() }];
    const trust = trustBrowser.isWished(interaction, form);
    await interactions.record(interaction, { ...progress, proofs, codesLeft, trust });
    seeOther(ctx, interactionPath(interaction));
    return null;
  }

  interface Shown {
    problem: Problem;
    status: number;
    /** What was sent, where the page is shown again. */
    form?: URLSearchParams;
  }

  function totpPage(ctx: Context, interaction: Interaction, { problem, status, form }: Shown = ASKED): void {
    const { uiLocales, account } = interaction;
    const data = {
      ...{ ...frame(csrf, interaction, 'totp'), accountEmail: account?.email ?? '', problem },
      alternatives: alternativesTo('totp', interaction),
      trust: trustBrowser.offer(interaction, form),
    };
    pages.send(ctx, 'totp', data, { status, uiLocales });
  }

  function recoveryPage(ctx: Context, interaction: Interaction, { problem, status, form }: Shown = ASKED): void {
    const { uiLocales, account } = interaction;
    const data = {
      ...frame(csrf, interaction, 'recovery-code'),
      accountEmail: account?.email ?? '',
      alternatives: alternativesTo('recovery-code', interaction),
      trust: trustBrowser.offer(interaction, form),
      problem,
    };
    pages.send(ctx, 'recovery-code', data, { status, uiLocales });
  }

  const typed = (form: URLSearchParams) => (form.get('code') ?? '').slice(0, LONGEST_CODE);

  return {
    totp: {
      show: async (ctx, interaction) => totpPage(ctx, interaction),
      async submit(ctx, interaction, form) {
        const refused = await prove(ctx, interaction, form, 'totp', 'otp', async (accountId) => {
          await totp.verify(accountId, typed(form));
          return null;
        });
        if (refused) totpPage(ctx, interaction, { ...refused, form });
      },
    },
    recoveryCode: {
      show: async (ctx, interaction) => recoveryPage(ctx, interaction),
      async submit(ctx, interaction, form) {
        const refused = await prove(ctx, interaction, form, 'recovery_code', 'recovery', async (accountId) => {
          const left = await recoveryCodes.spend(accountId, typed(form), byVisitor(ctx.state, accountId));
          return left <= FEW_CODES_LEFT ? left : null;
        });
        if (refused) recoveryPage(ctx, interaction, { ...refused, form });
      },
    },
  };
}
