import type { Context } from 'koa';
import type { Passkeys } from '../accounts/passkeys.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import type { Problem } from '../web/view-data.ts';
import { alternativesTo } from './alternatives.ts';
import { due } from './due.ts';
import type { Interaction, Interactions } from './interaction.ts';
import { frame, signUpPath } from './step.ts';

export interface SignInPageDeps {
  interactions: Interactions;
  passkeys: Passkeys;
  csrf: Csrf;
  pages: Pages;
  /** Links can be mailed. */
  mail: boolean;
  /** Anybody can ask for an account. */
  signUp: { offered: boolean };
}

interface Shown {
  email?: string;
  problem?: Problem;
  status?: number;
  /** The box as it was ticked. */
  remember?: boolean;
}

export type SignInPage = ReturnType<typeof createSignInPage>;

/** The page on which people say who they are: the same for everybody, with every way in that is offered here. */
export function createSignInPage({ interactions, passkeys, csrf, pages, mail, signUp }: SignInPageDeps) {
  return async (ctx: Context, interaction: Interaction, shown: Shown = {}): Promise<void> => {
    const { uiLocales, progress, emailHint } = interaction;
    const { email = emailHint, problem = null, status = 200, remember = progress.remember } = shown;
    const { step, forms } = due(interaction);
    const isFirst = step === 'sign-in';
    const options =
      isFirst && forms.includes('passkey')
        ? await passkeys.requestOptions(interactions.occasion(interaction), null)
        : null;
    pages.send(
      ctx,
      'sign-in',
      {
        ...{ ...frame(csrf, interaction, 'password'), email, remember, problem },
        passkey: options && { action: frame(csrf, interaction, 'passkey').action, options },
        alternatives: isFirst ? [] : alternativesTo('password', interaction),
        forgottenHref: mail ? `/forgotten-password?flow=${interaction.uid}` : null,
        signUpHref: signUp.offered ? signUpPath(interaction) : null,
      },
      { status, uiLocales },
    );
  };
}
