import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { Refusal } from './refusal.ts';
import { requireSecureUrl } from './secure-url.ts';

export interface Caller {
  /** Whose data this is: an account, or the client itself when it came with client credentials. */
  sub: string;
  clientId: string;
  scopes: ReadonlySet<string>;
}

export interface AccessTokenOptions {
  issuer: string;
  audience: string;
  /** Seconds by which the issuer's clock may differ from ours. */
  clockTolerance: number;
}

export type AccessTokens = ReturnType<typeof createAccessTokens>;

/** Verifies JWT access tokens (RFC 9068 4) with the issuer's published keys, without asking it about each. */
export function createAccessTokens({ issuer, audience, clockTolerance }: AccessTokenOptions) {
  let keys: Promise<JWTVerifyGetKey> | null = null;

  /** Discovered at the first token, and again after a failure: who starts first does not matter. */
  function issuerKeys(): Promise<JWTVerifyGetKey> {
    keys ??= discoverKeys(issuer).catch((err: unknown) => {
      keys = null;
      throw err;
    });
    return keys;
  }

  /** @throws {Refusal} 401 with a challenge; any other error means that the issuer could not be asked for its keys. */
  async function verify(token: string): Promise<Caller> {
    const { payload } = await jwtVerify(token, await issuerKeys(), {
      issuer,
      audience,
      clockTolerance,
      algorithms: ['RS256'], // closed list: the token does not choose how it is verified (RFC 8725 3.1)
      typ: 'at+jwt', // an ID token of the same issuer is not an access token
      requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
    }).catch((err: unknown) => {
      if (isTokensFault(err)) throw invalidToken('The access token is expired, not for this API, or not genuine');
      throw err;
    });
    return callerOf(payload);
  }
  return { verify };
}

function callerOf(payload: JWTPayload): Caller {
  // Bound to a key (DPoP, mTLS): this service checks no proof, so such a token would pass as plain Bearer (RFC 9449 7.1).
  if (payload['cnf'] !== undefined) throw invalidToken('The access token is bound to a key');

  const { sub, client_id: clientId, scope } = payload;
  if (!sub || typeof clientId !== 'string') throw invalidToken('The access token names no subject or client');
  return { sub, clientId, scopes: new Set(typeof scope === 'string' ? scope.split(' ') : []) };
}

async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);

  const metadata = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  // OIDC Discovery 4.3: otherwise one issuer could speak for another.
  if (metadata.issuer !== issuer)
    throw new Error(`${address} speaks for ${String(metadata.issuer)}, not for ${issuer}`);
  return createRemoteJWKSet(requireSecureUrl('jwks_uri', String(metadata.jwks_uri)), {
    timeoutDuration: 5_000,
    cooldownDuration: 5_000, // between two looks for an unknown key: short, since an issuer may have to change keys at once
  });
}

function isTokensFault(err: unknown): boolean {
  return [
    errors.JWTClaimValidationFailed,
    errors.JWTExpired,
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
  ].some((kind) => err instanceof kind);
}

function invalidToken(description: string): Refusal {
  return new Refusal(401, 'invalid_token', description, { error: 'invalid_token' });
}
