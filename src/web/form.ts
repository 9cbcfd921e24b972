import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import { readBody } from './body.ts';

const LIMIT = 16 * 1024;

/**
 * The fields of a posted form, each a string of at most `LIMIT` bytes with them all.
 * @throws {Refusal} `wrong_content_type`, `body_too_large`, `form_invalid` when the browser went away before its end
 */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (!ctx.is('application/x-www-form-urlencoded')) throw new Refusal('wrong_content_type', 415);
  const form = new URLSearchParams(await readBody(ctx, LIMIT));
  // Nobody types it, and PostgreSQL stores no text that has it.
  if ([...form].some((pair) => pair.join('').includes('\0'))) throw new Refusal('form_invalid', 400);
  return form;
}
