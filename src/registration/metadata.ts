import type { Client } from '../clients/client.ts';
import { grantTypesOf } from '../clients/grant-types.ts';

/** A client as RFC 7591 3.2.1 tells it: all that is registered, with what we put in the place of what was asked for. */
export function metadataOf(client: Client): Record<string, unknown> {
  const { name, type, settings } = client;
  const { redirectUris, postLogoutRedirectUris, backchannelLogoutUri } = settings;
  const signsIn = type !== 'service';
  const given = {
    logo_uri: settings.logoUri,
    client_uri: settings.clientUri,
    policy_uri: settings.policyUri,
    tos_uri: settings.tosUri,
    jwks: settings.jwks,
    jwks_uri: settings.jwksUri,
    backchannel_logout_uri: backchannelLogoutUri,
    // Without it some relying parties end no session at all.
    backchannel_logout_session_required: backchannelLogoutUri === null ? null : true,
    require_pushed_authorization_requests: settings.requirePar || null,
    require_signed_request_object: settings.requireSignedRequests || null,
    dpop_bound_access_tokens: settings.dpopBound || null,
    tls_client_certificate_bound_access_tokens: settings.certificateBound || null,
  };
  return {
    client_name: name,
    application_type: type === 'native' ? 'native' : 'web',
    token_endpoint_auth_method: settings.authMethod,
    grant_types: grantTypesOf(client),
    response_types: redirectUris.length > 0 ? ['code'] : [],
    scope: settings.scopes.join(' '),
    ...(signsIn && {
      redirect_uris: redirectUris,
      post_logout_redirect_uris: postLogoutRedirectUris,
      subject_type: 'public',
      id_token_signed_response_alg: 'RS256',
    }),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)),
  };
}
