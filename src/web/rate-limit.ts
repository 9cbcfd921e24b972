import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import type { RateStanding } from '../lib/rate-standing.ts';

/** draft-ietf-httpapi-ratelimit-headers-10, 3 and 4. */
export function setRateHeaders(ctx: Context, { policy, limit, window, left, resetsIn }: RateStanding): void {
  ctx.set('RateLimit-Policy', `"${policy}";q=${limit};w=${window}`);
  ctx.set('RateLimit', `"${policy}";r=${left};t=${resetsIn}`);
}

/** For people: a page that says when to come back. */
export function tooManyRequests({ resetsIn }: RateStanding): Refusal {
  return new Refusal('too_many_attempts', 429, { retryAfter: resetsIn });
}

/** For programs (RFC 6585 4). OAuth has no word for it. */
export function answerTooManyRequests(ctx: Context, { resetsIn }: RateStanding): void {
  ctx.status = 429;
  ctx.set({ 'Retry-After': String(resetsIn), 'Cache-Control': 'no-store' });
  // A page of another origin that may not read this would see no more than a failed connection.
  if (ctx.get('origin')) {
    ctx.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' });
  }
  ctx.body = { error: 'too_many_requests', error_description: `try again in ${resetsIn} seconds` };
}
