import type { KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { HOUR, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import type { Replays } from './replays.ts';

/** An assertion is made for one request, and has to be remembered until it expires, so that it is used once. */
const LONGEST_ASSERTION: Seconds = HOUR;

/** What the library asks of a client's assertion by itself, and that it expires soon (RFC 7523 3, point 4). */
export function createAssertionCheck({ clock, replays }: { clock: Clock; replays: Replays }) {
  return (ctx: KoaContextWithOIDC, { aud, exp }: Record<string, unknown>): void => {
    if (ctx.oidc.isFapi('2.0') && aud !== ctx.oidc.issuer) {
      throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier url');
    }
    if (toMilliseconds(Number(exp) - LONGEST_ASSERTION - CLOCK_TOLERANCE) > clock()) {
      throw new errors.InvalidClientAuth('the assertion expires more than an hour ahead');
    }
    replays.expectAssertion(ctx);
  };
}
