import type { Middleware } from 'koa';
import type { LiveKeys } from '../signing/live-keys.ts';
import { kidOf } from './access-tokens.ts';
import { ROUTES } from './routes.ts';

const TAKES_HINT: readonly string[] = [ROUTES.authorization, ROUTES.end_session];

/**
 * An `id_token_hint` may be signed by a key that another instance has only just begun to use. The library knows the keys
 * that its Provider was made with, so an unknown one is looked for before the Provider of this request is chosen.
 */
export function hintedKey(keys: Pick<LiveKeys, 'verifier'>): Middleware {
  return async (ctx, next) => {
    const kid = TAKES_HINT.includes(ctx.path) ? kidOf(ctx.query['id_token_hint']) : undefined;
    if (kid) await keys.verifier(kid);
    return next();
  };
}
