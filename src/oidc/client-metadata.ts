import { randomBytes } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';
import { isConfidential, OIDC_SCOPES } from '../clients/client.ts';
import { grantTypesOf } from '../clients/grant-types.ts';
import { ACCOUNT_CLIENT, ACCOUNT_RESPONSE_TYPE } from './account-client.ts';
import { API_KEY_CLIENT, TOKEN_EXCHANGE } from './api-key-client.ts';
import type { RegisteredClient, Registry } from './registry.ts';

/** The property of the library's client under which ours is found. */
export const REGISTRATION = 'registration';

/**
 * The library takes `client_secret` for an HMAC key as well. We keep hashes only, so it gets a value that nobody
 * knows, never the hash: otherwise whoever reads the database could sign as the client.
 */
const UNKNOWABLE_SECRET = randomBytes(48).toString('base64url');

/** Undefined for a client that is unknown or disabled. */
export async function findClientMetadata(registry: Registry, id: string): Promise<ClientMetadata | undefined> {
  const client = await registry.client(id);
  return client?.status === 'active' ? toMetadata(client) : undefined;
}

function toMetadata(client: RegisteredClient): ClientMetadata {
  const { id, name, type, settings } = client;
  const isOwn = id === ACCOUNT_CLIENT;
  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  const redirects = signsIn && settings.redirectUris.length > 0;
  const oidcScopes = settings.scopes.filter((scope) => (OIDC_SCOPES as readonly string[]).includes(scope));
  const { certificateBound, certificateSubject } = settings;
  const { backchannelLogoutUri, logoUri, clientUri, policyUri, tosUri, jwks, jwksUri } = settings;

  return {
    client_id: id,
    client_name: name,
    application_type: type === 'native' ? 'native' : 'web',
    token_endpoint_auth_method: settings.authMethod,
    ...(isConfidential(settings) && { client_secret: UNKNOWABLE_SECRET }),
    grant_types: isOwn ? [] : id === API_KEY_CLIENT ? [TOKEN_EXCHANGE] : grantTypesOf(client),
    response_types: isOwn ? [ACCOUNT_RESPONSE_TYPE] : redirects ? ['code'] : [],
    redirect_uris: settings.redirectUris,
    post_logout_redirect_uris: settings.postLogoutRedirectUris,
    // Without `sid` in the logout token, some relying parties end no session at all.
    ...(backchannelLogoutUri && {
      backchannel_logout_uri: backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
    ...(signsIn && { scope: oidcScopes.join(' ') }),
    ...(logoUri && { logo_uri: logoUri }),
    ...(clientUri && { client_uri: clientUri }),
    ...(policyUri && { policy_uri: policyUri }),
    ...(tosUri && { tos_uri: tosUri }),
    require_pushed_authorization_requests: settings.requirePar,
    require_signed_request_object: settings.requireSignedRequests,
    dpop_bound_access_tokens: settings.dpopBound,
    ...(jwksUri && { jwks_uri: jwksUri }),
    ...(jwks && { jwks: jwks as NonNullable<ClientMetadata['jwks']> }),
    ...(certificateBound && { tls_client_certificate_bound_access_tokens: true }),
    ...(certificateSubject && { [`tls_client_auth_${certificateSubject.by}`]: certificateSubject.value }),
    [REGISTRATION]: client,
  };
}

/** Ours behind the library's. */
export function registrationOf(client: object): RegisteredClient {
  return (client as { [REGISTRATION]: RegisteredClient })[REGISTRATION];
}
