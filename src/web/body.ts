import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';

/** @throws {Refusal} `body_too_large`, `form_invalid` when whoever sends it went away before its end */
export async function readBody(ctx: Context, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of ctx.req) {
      size += (chunk as Buffer).length;
      if (size > limit) break;
      chunks.push(chunk as Buffer);
    }
  } catch (err) {
    throw new Refusal('form_invalid', 400, { cause: err });
  }
  if (size > limit) {
    // The rest is not read: the connection ends with the answer.
    ctx.set('Connection', 'close');
    throw new Refusal('body_too_large', 413);
  }
  return Buffer.concat(chunks).toString('utf8');
}
