import type { ApiRequest } from './api-request.ts';
import type { Caller } from './caller.ts';
import { requireSecureUrl } from './secure-url.ts';

/** Asks the issuer about a token (RFC 7662), and so learns at once what was revoked, and which permissions were taken. */
export interface IntrospectionOptions {
  /** Of this API at the issuer, sent as client_secret_basic. */
  clientId: string;
  clientSecret: string;
  /** Which callers with a good JWT are asked about: `'always'` unless you say otherwise. Opaque tokens always are. */
  when?: 'always' | ((caller: Caller, request: ApiRequest) => boolean);
  /** Seconds for which an answer is used again: 5 unless you say otherwise, at most 300; 0 asks each time. */
  cacheFor?: number;
  /** Where to ask, if the issuer publishes no metadata. */
  endpoint?: string;
  /**
   * Takes opaque tokens although the issuer does not say for which API they are. Do so only where it answers about
   * tokens of this API alone: otherwise a token that was made for another one passes here.
   */
  withoutAudience?: boolean;
}

export interface IntrospectionSettings {
  authorization: string;
  when: (caller: Caller, request: ApiRequest) => boolean;
  cacheFor: number;
  endpoint: URL | null;
  withoutAudience: boolean;
}

const LONGEST_CACHE = 300;

/** @throws {TypeError} naming the option that is wrong. */
export function readIntrospectionOptions(options: IntrospectionOptions): IntrospectionSettings {
  const { clientId, clientSecret, when = 'always', cacheFor = 5, endpoint, withoutAudience = false } = options;
  if (!clientId || !clientSecret) throw new TypeError('introspection needs clientId and clientSecret');
  if (!(cacheFor >= 0 && cacheFor <= LONGEST_CACHE))
    throw new TypeError(`introspection.cacheFor must be 0 to ${LONGEST_CACHE} seconds`);
  return {
    authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`,
    when: when === 'always' ? () => true : when,
    cacheFor,
    endpoint: endpoint === undefined ? null : requireSecureUrl('introspection.endpoint', endpoint),
    withoutAudience,
  };
}

/** RFC 6749 2.3.1 */
function formEncoded(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length);
}
