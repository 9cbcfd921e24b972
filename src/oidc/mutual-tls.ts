import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { matchesSubject } from '../clients/certificate-subject.ts';
import { registrationOf } from './client-metadata.ts';
import type { RegisteredClient, Registry } from './registry.ts';
import { ROUTES } from './routes.ts';
import { currentCertificate } from './visitor.ts';

/** What clients can do with certificates here (RFC 8705). */
export interface CertificateOffer {
  /** Where they find the endpoints; null: where everybody does. */
  origin: string | null;
  /** Those of a listed authority prove a name. */
  byAuthority: boolean;
}

/** The endpoints that clients with certificates call, by their names in discovery (RFC 8705 5). */
export const ALIASED = {
  token_endpoint: ROUTES.token,
  revocation_endpoint: ROUTES.revocation,
  introspection_endpoint: ROUTES.introspection,
  device_authorization_endpoint: ROUTES.device_authorization,
  pushed_authorization_request_endpoint: ROUTES.pushed_authorization_request,
  userinfo_endpoint: ROUTES.userinfo,
} as const;

/** Its part of the library's configuration. */
export function mutualTlsSettings(offer: CertificateOffer | null) {
  const getCertificate = () => currentCertificate()?.certificate;
  // A token that is bound from the time when there was one is still refused without.
  if (offer === null)
    return { clientAuthMethods: [], discovery: {}, mTLS: { enabled: false, getCertificate } } as const;

  const { origin, byAuthority } = offer;
  const aliases = Object.entries(ALIASED).map(([name, path]) => [name, `${origin}${path}`]);
  return {
    clientAuthMethods: [
      ...(byAuthority ? (['tls_client_auth'] as const) : []),
      ...(['self_signed_tls_client_auth'] as const),
    ],
    discovery: origin === null ? {} : { mtls_endpoint_aliases: Object.fromEntries(aliases) },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: byAuthority,
      selfSignedTlsClientAuth: true,
      getCertificate,
      certificateAuthorized: () => currentCertificate()?.isVerified ?? false,
      certificateSubjectMatches,
    },
  } satisfies Pick<Configuration, 'clientAuthMethods' | 'discovery'> & { mTLS: object };
}

function certificateSubjectMatches({ oidc }: KoaContextWithOIDC): boolean {
  const { certificateSubject } = registrationOf(oidc.client as object).settings;
  const certificate = currentCertificate()?.certificate;
  return certificateSubject !== null && certificate !== undefined && matchesSubject(certificate, certificateSubject);
}

/**
 * A client that depends on certificates where none can be shown is as good as disabled: otherwise its tokens would be
 * bound to nothing, since the library passes over what it does not offer.
 */
export function withoutUnreachable(registry: Registry, offer: CertificateOffer | null): Registry {
  const reachable = (client: RegisteredClient | null): RegisteredClient | null =>
    client === null || canShow(client, offer) ? client : { ...client, status: 'disabled' };
  return {
    ...registry,
    client: async (id) => reachable(await registry.client(id)),
    api: async (audience) => reachable(await registry.api(audience)),
  };
}

export function canShow({ settings }: Pick<RegisteredClient, 'settings'>, offer: CertificateOffer | null): boolean {
  const { authMethod, certificateBound } = settings;
  if (authMethod === 'tls_client_auth') return offer?.byAuthority ?? false;
  return offer !== null || (authMethod !== 'self_signed_tls_client_auth' && !certificateBound);
}
