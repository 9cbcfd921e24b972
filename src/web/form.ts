import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';

const LIMIT = 16 * 1024;

/**
 * The fields of a posted form, each a string of at most `LIMIT` bytes with them all.
 * @throws {Refusal} `wrong_content_type`, `body_too_large`, `form_invalid` when the browser went away before its end
 */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (!ctx.is('application/x-www-form-urlencoded')) throw new Refusal('wrong_content_type', 415);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of ctx.req) {
      size += (chunk as Buffer).length;
      if (size > LIMIT) break;
      chunks.push(chunk as Buffer);
    }
  } catch (err) {
    throw new Refusal('form_invalid', 400, { cause: err });
  }
  if (size > LIMIT) {
    // The rest is not read: the connection ends with the answer.
    ctx.set('Connection', 'close');
    throw new Refusal('body_too_large', 413);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  // Nobody types it, and PostgreSQL stores no text that has it.
  if ([...form].some((pair) => pair.join('').includes('\0'))) throw new Refusal('form_invalid', 400);
  return form;
}
