import * as oidc from 'openid-client';
import { Problem } from './problem.ts';
import { isLoopbackHttp, requireSecureUrl } from './secure-url.ts';

export interface RelyingPartyOptions {
  issuer: string;
  clientId: string;
  clientSecret: string;
  redirectUri: string;
  postLogoutRedirectUri: string;
  scope: string;
  /** The API that access tokens are for (RFC 8707); null leaves it to the provider's default. */
  resource: string | null;
}

/** What one visit to `/login` may ask of the provider. */
export interface Wishes {
  prompt?: string;
  acr_values?: string;
  max_age?: number;
  /** The one person who is meant, by an ID token of theirs. */
  id_token_hint?: string;
}

/** Kept between the redirect to the provider and the way back, in the session of the browser that left. */
export interface Departure {
  state: string;
  nonce: string;
  codeVerifier: string;
  maxAge: number | null;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string | null;
  idToken: string;
  claims: oidc.IDToken;
  scope: string;
}

export type RelyingParty = ReturnType<typeof createRelyingParty>;

export function createRelyingParty(options: RelyingPartyOptions) {
  const { issuer, clientId, redirectUri, postLogoutRedirectUri, scope, resource } = options;
  const target: Record<string, string> = resource ? { resource } : {};
  let discovered: Promise<oidc.Configuration> | null = null;

  /** At the first use, and again after a failure: the provider may start after this application. */
  function configuration(): Promise<oidc.Configuration> {
    discovered ??= discover(options).catch((err: unknown) => {
      discovered = null;
      throw err;
    });
    return discovered;
  }

  async function depart({ max_age: maxAge, ...wishes }: Wishes): Promise<{ url: URL; departure: Departure }> {
    const config = await configuration();
    const departure: Departure = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
      maxAge: maxAge ?? null,
    };
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      state: departure.state,
      nonce: departure.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(departure.codeVerifier),
      code_challenge_method: 'S256',
      ...target,
      ...wishes,
      ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    });
    return { url, departure };
  }

  /** Checks state, `iss` (RFC 9207), the ID token's signature, issuer, audience, nonce and age; throws if one is wrong. */
  async function arrive(callback: URL, { state, nonce, codeVerifier, maxAge }: Departure): Promise<Tokens> {
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      ...(maxAge === null ? {} : { maxAge }),
    };
    const response = await oidc.authorizationCodeGrant(await configuration(), callback, checks, target);
    const claims = response.claims();
    if (!claims || !response.id_token) throw new Error('the token endpoint answered without an ID token');
    return {
      accessToken: response.access_token,
      refreshToken: response.refresh_token ?? null,
      idToken: response.id_token,
      claims,
      scope: response.scope ?? scope,
    };
  }

  async function refresh(tokens: Tokens): Promise<Tokens> {
    if (!tokens.refreshToken) throw new Problem(409, 'no_refresh_token', 'The provider gave no refresh token.');
    const response = await oidc.refreshTokenGrant(await configuration(), tokens.refreshToken, target);
    const claims = response.claims();
    // OIDC Core 12.2: a refreshed ID token speaks of the same person.
    if (claims && claims.sub !== tokens.claims.sub) throw new Error('the refreshed ID token names another subject');
    return {
      accessToken: response.access_token,
      // Rotated each time: the old one is spent, and presenting it again would end the whole family.
      refreshToken: response.refresh_token ?? tokens.refreshToken,
      idToken: response.id_token ?? tokens.idToken,
      claims: claims ?? tokens.claims,
      scope: response.scope ?? tokens.scope,
    };
  }

  async function userinfo({ accessToken, claims }: Tokens): Promise<oidc.UserInfoResponse> {
    return oidc.fetchUserInfo(await configuration(), accessToken, claims.sub);
  }

  /** Where the browser goes to end the provider's session too (RP-Initiated Logout 1.0 2). */
  async function signOutUrl(idToken: string): Promise<URL | null> {
    const config = await configuration();
    if (!config.serverMetadata().end_session_endpoint) return null;
    return oidc.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: postLogoutRedirectUri });
  }

  async function jwksUri(): Promise<URL> {
    const { jwks_uri } = (await configuration()).serverMetadata();
    return requireSecureUrl('jwks_uri', String(jwks_uri));
  }
  return { issuer, clientId, depart, arrive, refresh, userinfo, signOutUrl, jwksUri };
}

function discover({ issuer, clientId, clientSecret }: RelyingPartyOptions): Promise<oidc.Configuration> {
  const server = requireSecureUrl('issuer', issuer);
  const execute = [oidc.enableNonRepudiationChecks]; // verify ID token signatures, also where TLS would excuse from it
  if (isLoopbackHttp(server)) execute.push(oidc.allowInsecureRequests);
  const authentication = oidc.ClientSecretBasic(clientSecret);
  return oidc.discovery(server, clientId, undefined, authentication, { execute, timeout: 5 });
}
