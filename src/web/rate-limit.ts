import type { Context } from 'koa';
import type { Seconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';

/** Where somebody stands in a window. */
export interface Standing {
  policy: string;
  limit: number;
  window: Seconds;
  left: number;
  resetsIn: Seconds;
}

/** draft-ietf-httpapi-ratelimit-headers-10, 3 and 4. */
export function setRateHeaders(ctx: Context, { policy, limit, window, left, resetsIn }: Standing): void {
  ctx.set('RateLimit-Policy', `"${policy}";q=${limit};w=${window}`);
  ctx.set('RateLimit', `"${policy}";r=${left};t=${resetsIn}`);
}

/** For people: a page that says when to come back. */
export function tooManyRequests({ resetsIn }: Standing): Refusal {
  return new Refusal('too_many_attempts', 429, { retryAfter: resetsIn });
}

/** For programs (RFC 6585 4). OAuth has no word for it. */
export function answerTooManyRequests(ctx: Context, { resetsIn }: Standing): void {
  ctx.status = 429;
  ctx.set({ 'Retry-After': String(resetsIn), 'Cache-Control': 'no-store' });
  // A page of another origin that may not read this would see no more than a failed connection.
  if (ctx.get('origin')) {
    ctx.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' });
  }
  ctx.body = { error: 'too_many_requests', error_description: `try again in ${resetsIn} seconds` };
}
