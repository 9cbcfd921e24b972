import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import { byVisitor } from '../web/request-log.ts';

/** Somebody typed an address whose passwords must wait. Asked for by a link, in src/links. */
export interface UnlockLinks {
  ask(asked: {
    purpose: 'sign-in-unlock';
    email: string;
    language: string;
    by: ReturnType<typeof byVisitor>;
  }): Promise<void>;
}

export interface UnlockLetterDeps {
  links: UnlockLinks;
  attempts: Attempts;
  /** Links can be mailed. */
  mail: boolean;
}

export type UnlockLetter = ReturnType<typeof createUnlockLetter>;

/** A letter to whoever goes by the address at which a wait begins, if anybody does: the same work for all. */
export function createUnlockLetter({ links, attempts, mail }: UnlockLetterDeps) {
  return {
    /** One account's passwords wait, wherever they come from. What an operator must lift, no letter does. */
    isFor: ({ counted, retryAfter }: Refusal): boolean => mail && counted === 'password' && retryAfter !== null,
    async send(ctx: Context, email: string, language: string): Promise<void> {
      try {
        await attempts.unlockLetter(email);
      } catch (err) {
        // Those who guess learn nothing of it, and the letters that came before are there.
        if (err instanceof Refusal && err.code === 'too_many_attempts') return;
        throw err;
      }
      await links.ask({ purpose: 'sign-in-unlock', email, language, by: byVisitor(ctx.state, 'visitor') });
    },
  };
}
