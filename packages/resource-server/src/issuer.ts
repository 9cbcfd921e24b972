import type { JWTVerifyGetKey } from 'jose';
import { type Fetch, fetchJson, UnexpectedStatus } from './json-fetch.ts';
import { keep } from './kept.ts';
import { readKeys } from './key-set.ts';
import type { Settings } from './options.ts';
import { requireSecureUrl } from './secure-url.ts';

/** What an issuer says of itself, as far as an API needs it. */
export interface IssuerMetadata {
  jwksUri: URL;
  introspectionEndpoint: URL | null;
}

/** OpenID Connect Discovery 4 puts the known path behind the issuer, RFC 8414 3 before the issuer's path. */
function addresses(issuer: string): [URL, URL] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    new URL(`${origin}${path}/.well-known/openid-configuration`),
    new URL(`${origin}/.well-known/oauth-authorization-server${path}`),
  ];
}

/** @throws {Error} where there is no metadata, or that of another issuer. */
export async function discover(issuer: string, fetch: Fetch): Promise<IssuerMetadata> {
  const [openid, oauth] = addresses(issuer);
  const metadata = await fetchJson(fetch, openid).catch((err: unknown) => {
    if (err instanceof UnexpectedStatus && err.status === 404) return fetchJson(fetch, oauth);
    throw err;
  });
  // RFC 8414 3.3: otherwise one issuer could speak for another.
  if (metadata['issuer'] !== issuer)
    throw new Error(`the metadata speaks for ${String(metadata['issuer'])}, not for ${issuer}`);
  const { jwks_uri: jwksUri, introspection_endpoint: introspection } = metadata;
  return {
    jwksUri: requireSecureUrl('jwks_uri', jwksUri),
    introspectionEndpoint:
      introspection === undefined ? null : requireSecureUrl('introspection_endpoint', introspection),
  };
}

export type Issuer = ReturnType<typeof createIssuer>;

/** How long what an issuer published is used before it is looked at again. */
const FRESH_MILLISECONDS = 10 * 60_000;

/** What the issuer published, fetched when it is first needed: who starts first does not matter. */
export function createIssuer({ issuer, jwksUri, keepKeysFor, report, fetch }: Settings) {
  const usable = FRESH_MILLISECONDS + keepKeysFor * 1000;
  const ages = { young: FRESH_MILLISECONDS / 2, fresh: FRESH_MILLISECONDS, usable };
  const failed = (err: unknown) => report(err instanceof Error ? err : new Error(String(err)));
  const metadata = keep(() => discover(issuer, fetch), ages, failed);

  async function fetchKeys(): Promise<JWTVerifyGetKey> {
    return readKeys(await fetchJson(fetch, jwksUri ?? (await metadata.get()).jwksUri));
  }
  return { metadata, keys: keep(fetchKeys, ages, failed) };
}
