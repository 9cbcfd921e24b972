/** What this API says of itself (RFC 9728 2). */
export interface MetadataOptions {
  /** For people. */
  name?: string;
  /** The permissions that clients may ask for. */
  permissions?: readonly string[];
  /** Where people read how to use this API. */
  documentation?: string;
}

/** The members as RFC 9728 2 names them, ready to be sent. */
export type ResourceMetadata = Readonly<Record<string, unknown>>;

export interface PublishedMetadata {
  document: ResourceMetadata;
  url: URL;
}

interface Facts {
  issuer: string;
  audience: string;
  dpopAlgorithms: readonly string[] | null;
  takesCertificates: boolean;
  takesOnlyDpop: boolean;
}

/** @throws {TypeError} where this API has no address as its identifier. */
export function publishMetadata(
  { name, permissions, documentation }: MetadataOptions,
  facts: Facts,
): PublishedMetadata {
  const { issuer, audience, dpopAlgorithms, takesCertificates, takesOnlyDpop } = facts;
  const resource = URL.canParse(audience) ? new URL(audience) : null;
  if (resource?.protocol !== 'https:' && resource?.protocol !== 'http:')
    throw new TypeError('metadata needs an audience that is an https address');

  const document: Record<string, unknown> = {
    resource: audience,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    scopes_supported: permissions,
    resource_name: name,
    resource_documentation: documentation,
    dpop_signing_alg_values_supported: dpopAlgorithms ?? undefined,
    dpop_bound_access_tokens_required: takesOnlyDpop || undefined,
    tls_client_certificate_bound_access_tokens: takesCertificates || undefined,
  };
  const said = Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined));
  return { document: said, url: wellKnown(resource) };
}

/** RFC 9728 3.1: between host and path, and a path of / alone is left out. */
function wellKnown({ origin, pathname, search }: URL): URL {
  return new URL(`${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`);
}
