import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import { type Translate, tryAgainIn } from './texts.ts';
import type { Problem } from './view-data.ts';

/**
 * Says on the page of the form itself, and in `Retry-After`, when to come back.
 * @returns what is wrong, and the status
 * @throws what is no refusal for a while
 */
export function tryLater(ctx: Context, t: Translate, err: unknown): [NonNullable<Problem>, number] {
  if (!(err instanceof Refusal) || err.retryAfter === null) throw err;
  ctx.set('Retry-After', String(err.retryAfter));
  return [{ field: null, text: tryAgainIn(t, err.retryAfter) }, err.status];
}
