import * as client from 'openid-client';
import type { Site, TestClient } from './seed.ts';
import type { Page } from './user-agent.ts';

/** Nothing listens there: the user agent stops when it is sent to it. */
export const CALLBACK = 'http://localhost:9/callback';

export interface Authorization {
  url: string;
  state: string;
  nonce: string;
  codeVerifier: string;
}

export type RelyingParty = Awaited<ReturnType<typeof createRelyingParty>>;

/**
 * An application that uses a certified client library which we did not write.
 * @param showing sends its requests with a certificate
 */
export async function createRelyingParty(server: Site, registered: TestClient, showing?: client.CustomFetch) {
  const { id, secret, settings } = registered;
  const authentication = settings.authMethod === 'none' ? client.None() : client.ClientSecretBasic(secret);
  const metadata = showing && { use_mtls_endpoint_aliases: true };
  const config = await client.discovery(new URL(server.issuer), id, metadata, authentication, {
    execute: [client.allowInsecureRequests],
    ...(showing && { [client.customFetch]: showing }),
  });

  return {
    config,
    async authorization(parameters: Record<string, string> = {}): Promise<Authorization> {
      const codeVerifier = client.randomPKCECodeVerifier();
      const [state, nonce] = [client.randomState(), client.randomNonce()];
      const url = client.buildAuthorizationUrl(config, {
        ...{ redirect_uri: CALLBACK, scope: 'openid', state, nonce },
        ...{ code_challenge: await client.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: 'S256' },
        ...parameters,
      });
      return { url: url.href, state, nonce, codeVerifier };
    },
    /** Redeems the code that the user agent was sent back with; every check of the library applies. */
    redeem(page: Pick<Page, 'url'>, { state, nonce, codeVerifier }: Authorization, options: { maxAge?: number } = {}) {
      return client.authorizationCodeGrant(config, new URL(page.url), {
        ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true },
        ...options,
      });
    },
    refresh: (refreshToken: string, parameters?: Record<string, string>) =>
      client.refreshTokenGrant(config, refreshToken, parameters),
    userinfo: (accessToken: string, subject: string) => client.fetchUserInfo(config, accessToken, subject),
    introspect: (token: string) => client.tokenIntrospection(config, token),
    revoke: (token: string) => client.tokenRevocation(config, token),
  };
}
