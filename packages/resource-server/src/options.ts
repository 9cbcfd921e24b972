import { requireAsymmetric } from './algorithms.ts';
import type { ApiRequest } from './api-request.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { type DpopOptions, type DpopSettings, readDpopOptions } from './dpop-options.ts';
import {
  type IntrospectionOptions,
  type IntrospectionSettings,
  readIntrospectionOptions,
} from './introspection-options.ts';
import type { Fetch } from './json-fetch.ts';
import type { Refusal } from './refusal.ts';
import { type MetadataOptions, type PublishedMetadata, publishMetadata } from './resource-metadata.ts';
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
  /** Where this API is called, if that is not where its audience leads: for `dpop`. A path is put before the request's. */
  publicUrl?: string;
  /** Takes tokens that are bound to a key and come with a proof (RFC 9449); `true` takes the usual settings. */
  dpop?: true | DpopOptions;
  /** Takes tokens that are bound to a client certificate (RFC 8705), and compares it with this one. */
  clientCertificate?: ClientCertificate;
  /** Takes no other tokens than bound ones. */
  requireSenderConstrained?: boolean;
  /** Asks the issuer about tokens, by its own rules when. */
  introspection?: IntrospectionOptions;
  /** Publishes what this API says of itself (RFC 9728), and names it in each challenge; `true` says the least. */
  metadata?: true | MetadataOptions;
  /** Told whenever the issuer could not be asked: for your log. */
  report?: (problem: Error) => void;
  /** Told of each request that is refused, with what exactly was wrong in `cause`: for your log, never for the answer. */
  refused?: (refusal: Refusal, request: ApiRequest) => void;
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
  dpop: DpopSettings | null;
  clientCertificate: ClientCertificate | null;
  requireSenderConstrained: boolean;
  introspection: IntrospectionSettings | null;
  metadata: PublishedMetadata | null;
  report: (problem: Error) => void;
  refused: (refusal: Refusal, request: ApiRequest) => void;
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
  const dpop = readDpop(options, clockTolerance);
  const { clientCertificate = null, requireSenderConstrained = false, introspection } = options;
  if (requireSenderConstrained && !dpop && !clientCertificate)
    throw new TypeError('requireSenderConstrained needs dpop or clientCertificate');
  return {
    issuer,
    audience,
    dpop,
    clientCertificate,
    requireSenderConstrained,
    introspection: introspection ? readIntrospectionOptions(introspection) : null,
    metadata: readMetadata(options, dpop),
    algorithms: requireAsymmetric('algorithms', algorithms),
    clockTolerance,
    jwksUri: jwksUri === undefined ? null : requireSecureUrl('jwksUri', jwksUri),
    keepKeysFor,
    report: options.report ?? (() => {}),
    refused: options.refused ?? (() => {}),
    fetch: options.fetch ?? globalThis.fetch,
  };
}

function readDpop({ dpop, audience, publicUrl }: ResourceServerOptions, clockTolerance: number): DpopSettings | null {
  if (dpop === undefined) return null;
  return readDpopOptions(dpop === true ? {} : dpop, {
    ...{ audience, clockTolerance },
    publicUrl: publicUrl === undefined ? originOf(audience) : requireSecureUrl('publicUrl', publicUrl),
  });
}

/** The audience names the API; where it is an address, the API is called there. */
function originOf(audience: string): URL | null {
  return /^https?:/.test(audience) && URL.canParse(audience) ? new URL(new URL(audience).origin) : null;
}

function readMetadata(options: ResourceServerOptions, dpop: DpopSettings | null): PublishedMetadata | null {
  const { metadata, issuer, audience, clientCertificate, requireSenderConstrained = false } = options;
  if (metadata === undefined) return null;
  return publishMetadata(metadata === true ? {} : metadata, {
    ...{ issuer, audience, dpopAlgorithms: dpop?.algorithms ?? null },
    takesCertificates: clientCertificate !== undefined,
    takesOnlyDpop: requireSenderConstrained && clientCertificate === undefined,
  });
}
