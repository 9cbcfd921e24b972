import type { Context } from 'koa';
import { Problem } from './problem.ts';

/** @throws {Problem} 415, 413 or 400. */
export async function readJson(ctx: Context, { limit }: { limit: number }): Promise<unknown> {
  if (!ctx.is('application/json')) throw new Problem(415, 'unsupported_media_type', 'Send application/json');

  const chunks: Buffer[] = [];
  let size = 0;
  // Left without destroying the socket, or the 413 could not be sent.
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > limit) {
      ctx.set('Connection', 'close');
      throw new Problem(413, 'too_large', `The body is larger than ${limit} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Problem(400, 'invalid_request', 'The body is not JSON');
  }
}
