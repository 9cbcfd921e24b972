import type { Configuration } from 'oidc-provider';
import { type LevelPolicy, offeredLevels } from '../assurance/demand.ts';
import { acrOf } from '../assurance/level.ts';
import { OIDC_SCOPES } from '../clients/client.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import { ACCOUNT_RESPONSE_TYPE } from './account-client.ts';
import { CLAIMS_BY_SCOPE } from './claims.ts';
import { REGISTRATION } from './client-metadata.ts';
import { DEVICE_CODE } from './device-codes.ts';
import type { Lifetimes } from './lifetimes.ts';
import { ROUTES } from './routes.ts';
import { sessionTtl } from './sessions.ts';

/** Asymmetric only: whatever stands in `client_secret` would be the key of the others. */
export const ASYMMETRIC = ['RS256', 'PS256', 'ES256', 'Ed25519'] as const;

/** What names a session to its browser. Without an expiry it ends with the browser. */
export function sessionCookie(https: boolean) {
  const options = { signed: true, httpOnly: true, sameSite: 'lax', secure: https, path: '/' } as const;
  return { name: https ? '__Host-gatewright' : 'gatewright', options };
}

/** What lets one browser go on after its interaction. */
export function resumeCookie(https: boolean): string {
  return https ? '__Secure-gatewright-resume' : 'gatewright-resume';
}

/** What does not depend on any part of ours. Every default that the library warns about is set here or in provider.ts. */
export function fixedSettings({
  https,
  lifetimes,
  levelPolicy,
}: {
  https: boolean;
  lifetimes: Lifetimes;
  levelPolicy: LevelPolicy;
}): Configuration {
  const session = sessionCookie(https);
  return {
    routes: ROUTES,
    scopes: [...OIDC_SCOPES],
    claims: CLAIMS_BY_SCOPE,
    acrValues: offeredLevels(levelPolicy).map(acrOf),
    subjectTypes: ['public'],
    responseTypes: ['code', ACCOUNT_RESPONSE_TYPE],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    clientDefaults: { id_token_signed_response_alg: 'RS256' },
    extraClientMetadata: { properties: [REGISTRATION] },
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256'],
      userinfoSigningAlgValues: ['RS256'],
      requestObjectSigningAlgValues: [...ASYMMETRIC],
      clientAuthSigningAlgValues: [...ASYMMETRIC],
      dPoPSigningAlgValues: [...ASYMMETRIC],
    },
    clockTolerance: CLOCK_TOLERANCE,
    discovery: { claims_supported: undefined, ui_locales_supported: ['en', 'de'] },
    cookies: {
      // The prefixes have the browser itself refuse a cookie that was set without TLS or by another host (RFC 6265bis 4.1.3).
      names: {
        session: session.name,
        interaction: https ? '__Secure-gatewright-interaction' : 'gatewright-interaction',
        resume: resumeCookie(https),
      },
      long: session.options,
      short: { signed: true, httpOnly: true, sameSite: 'lax', secure: https },
    },
    ttl: {
      AccessToken: (_ctx, { resourceServer }) => resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
      ClientCredentials: (_ctx, { resourceServer }) => resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
      AuthorizationCode: 60,
      DeviceCode: DEVICE_CODE,
      IdToken: lifetimes.idToken,
      Interaction: lifetimes.interaction,
      Grant: lifetimes.refreshToken,
      // Idle from each rotation, and absolute from the first of the family (RFC 9700 4.14.2).
      RefreshToken: (_ctx, token) =>
        Math.max(1, Math.min(lifetimes.refreshTokenIdle, lifetimes.refreshToken - token.totalLifetime())),
      Session: (_ctx, session) => sessionTtl(session.loginTs, lifetimes),
    },
  };
}
