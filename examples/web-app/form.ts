import type { Context } from 'koa';
import { Problem } from './problem.ts';

const LIMIT = 16_384; // bytes

/** @throws {Problem} 415 or 413. */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (!ctx.is('application/x-www-form-urlencoded')) throw new Problem(415, 'unsupported_media_type', 'Send a form.');

  const chunks: Buffer[] = [];
  let size = 0;
  // Left without destroying the socket, or the 413 could not be sent.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > LIMIT) {
      ctx.set('Connection', 'close');
      throw new Problem(413, 'too_large', 'The form is too large.');
    }
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
