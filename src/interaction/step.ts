import type { Context } from 'koa';
import { Refusal, type RefusalCode } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import type { RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { Interaction } from './interaction.ts';

/** One page of the flow. `submit` gets a form that was checked; both return when the answer is set. */
export interface StepPage {
  show(ctx: Context, interaction: Interaction): Promise<void>;
  /** What it refuses with a code of `PROBLEMS` is shown beside the fields. */
  submit(ctx: Context, interaction: Interaction, form: URLSearchParams): Promise<void>;
}

export function interactionPath(interaction: Interaction): string {
  return `/interaction/${interaction.uid}`;
}

/** Comes back here by what the page there keeps of the flow. */
export function signUpPath(interaction: Interaction): string {
  return `/sign-up?flow=${interaction.uid}`;
}

/** What every page of a flow has around its form. */
export function frame(csrf: Csrf, interaction: Interaction, step: string) {
  const path = interactionPath(interaction);
  return {
    action: `${path}/${step}`,
    csrf: csrf.token(interaction.uid),
    client: interaction.client,
    cancelAction: `${path}/cancel`,
  };
}

const PROBLEMS: Partial<Record<RefusalCode, { field: 'credentials' | 'code' | 'passkey'; text: string }>> = {
  credentials_wrong: { field: 'credentials', text: 'problem.credentials' },
  code_wrong: { field: 'code', text: 'problem.code' },
  code_replayed: { field: 'code', text: 'problem.code-used' },
  recovery_code_wrong: { field: 'code', text: 'problem.recovery-code' },
  passkey_refused: { field: 'passkey', text: 'problem.passkey' },
};

/**
 * Shows what a form was refused for on the form itself, with the right status.
 * @throws what is no problem of the form
 */
export function problemOf(pages: Pages, ctx: Context, interaction: Interaction, err: unknown): NonNullable<Problem> {
  if (!(err instanceof Refusal)) throw err;
  const t = pages.texts(ctx, interaction.uiLocales);
  if (err.code === 'too_many_attempts') {
    if (err.retryAfter === null) return { field: null, text: t('problem.blocked') };
    return tryLater(ctx, t, err)[0];
  }
  const problem = PROBLEMS[err.code];
  if (!problem) throw err;
  return { field: problem.field, text: t(problem.text) };
}

export function addressOf(ctx: Context): string {
  return (ctx.state as RequestState).address;
}
