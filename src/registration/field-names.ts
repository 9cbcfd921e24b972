import type { FieldNames } from '../clients/field-names.ts';

/** RFC 7591 2, OpenID Connect Registration 1.0 2. What has no name there, only an operator or a policy sets. */
export const METADATA: FieldNames = {
  id: 'client_id',
  name: 'client_name',
  redirectUris: 'redirect_uris',
  postLogoutRedirectUris: 'post_logout_redirect_uris',
  backchannelLogoutUri: 'backchannel_logout_uri',
  securityEventsUri: 'an address for security events',
  logoUri: 'logo_uri',
  clientUri: 'client_uri',
  policyUri: 'policy_uri',
  tosUri: 'tos_uri',
  scopes: 'scope',
  audience: 'an API of the policy',
  minimumLevel: 'the level of the policy',
  authMethod: 'token_endpoint_auth_method',
  jwks: 'jwks',
  jwksUri: 'jwks_uri',
  requirePar: 'require_pushed_authorization_requests',
  requireSignedRequests: 'require_signed_request_object',
  dpopBound: 'dpop_bound_access_tokens',
  deviceGrant: 'the device grant in grant_types',
  withoutPkce: 'an application without PKCE',
  firstParty: 'an application of the operator',
};
