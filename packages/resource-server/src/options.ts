import { requireAsymmetric } from './algorithms.ts';
import type { Fetch } from './json-fetch.ts';
import { requireSecureUrl } from './secure-url.ts';

/** What an API expects of the tokens that it is called with. */
export interface ResourceServerOptions {
  /** The `iss` of every token, and where its metadata is found. */
  issuer: string;
  /** This API's identifier (RFC 8707): what `aud` must contain. */
  audience: string;
  /** What tokens may be signed with, asymmetric only: `['RS256']` unless you say otherwise. */
  algorithms?: readonly string[];
  /** Seconds by which clocks may differ: 5 unless you say otherwise, at most 60. */
  clockTolerance?: number;
  /** Where the keys are, if the issuer publishes no metadata. */
  jwksUri?: string;
  /** Seconds for which known keys are used while the issuer cannot be reached: an hour unless you say otherwise. */
  keepKeysFor?: number;
  /** Told whenever the issuer could not be asked: for your log. */
  report?: (problem: Error) => void;
  /** In place of the global one: behind a proxy, or to see what is fetched. */
  fetch?: Fetch;
}

export interface Settings {
  issuer: string;
  audience: string;
  algorithms: string[];
  clockTolerance: number;
  jwksUri: URL | null;
  keepKeysFor: number;
  report: (problem: Error) => void;
  fetch: Fetch;
}

const MOST_TOLERANCE = 60;
const HOUR = 3_600;

/** @throws {TypeError} naming the option that is wrong. */
export function readOptions(options: ResourceServerOptions): Settings {
  const { issuer, audience, algorithms = ['RS256'], clockTolerance = 5, jwksUri, keepKeysFor = HOUR } = options;
  requireSecureUrl('issuer', issuer);
  if (typeof audience !== 'string' || audience === '') throw new TypeError('audience must name this API');
  if (!(clockTolerance >= 0 && clockTolerance <= MOST_TOLERANCE))
    throw new TypeError(`clockTolerance must be 0 to ${MOST_TOLERANCE} seconds`);
  if (!(keepKeysFor >= 0 && keepKeysFor <= 24 * HOUR))
    throw new TypeError('keepKeysFor must be at most a day, in seconds');
  return {
    issuer,
    audience,
    algorithms: requireAsymmetric('algorithms', algorithms),
    clockTolerance,
    jwksUri: jwksUri === undefined ? null : requireSecureUrl('jwksUri', jwksUri),
    keepKeysFor,
    report: options.report ?? (() => {}),
    fetch: options.fetch ?? globalThis.fetch,
  };
}
