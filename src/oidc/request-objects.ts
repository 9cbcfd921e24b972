import type { KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { HOUR, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import { registrationOf } from './client-metadata.ts';

const LONGEST_REQUEST: Seconds = HOUR;

/**
 * What the library asks of a request object by itself, and of a client that must sign its requests that they end soon:
 * one without an end could be sent through other people's browsers for ever (RFC 9101 10.2, FAPI 2.0 Message Signing
 * 5.3.1).
 */
export function createRequestObjectCheck(clock: Clock) {
  return (_ctx: KoaContextWithOIDC, { exp }: Record<string, unknown>, _header: object, client: object): void => {
    if (!registrationOf(client).settings.requireSignedRequests) return;
    if (typeof exp !== 'number') throw new errors.InvalidRequestObject('the request object must expire (exp)');
    if (toMilliseconds(exp - LONGEST_REQUEST - CLOCK_TOLERANCE) > clock()) {
      throw new errors.InvalidRequestObject('the request object expires more than an hour ahead');
    }
  };
}
