/** What whoever registers a client calls its fields: a problem names what to mend. */
export const OPTIONS = {
  id: '--id',
  name: '--name',
  redirectUris: '--redirect-uri',
  postLogoutRedirectUris: '--post-logout-redirect-uri',
  backchannelLogoutUri: '--backchannel-logout-uri',
  securityEventsUri: '--security-events-uri',
  logoUri: '--logo-uri',
  clientUri: '--client-uri',
  policyUri: '--policy-uri',
  tosUri: '--tos-uri',
  scopes: '--scope',
  audience: '--audience',
  minimumLevel: '--minimum-level',
  authMethod: '--auth-method',
  jwks: '--jwks',
  jwksUri: '--jwks-uri',
  requirePar: '--require-par',
  requireSignedRequests: '--require-signed-requests',
  dpopBound: '--dpop-bound',
  deviceGrant: '--device',
  withoutPkce: '--no-pkce',
  firstParty: '--first-party',
} as const;

export type FieldNames = Readonly<Record<keyof typeof OPTIONS, string>>;
