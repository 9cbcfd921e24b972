import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { Seconds } from '../lib/duration.ts';
import type { LiveKeys } from '../signing/live-keys.ts';
import { API_KEY_CLAIM } from './api-keys.ts';
import { noteUnavailable } from './unavailable.ts';

export const CLOCK_TOLERANCE: Seconds = 15;

/** The claim that names the grant behind a person's token. Of no use to anybody but this server. */
export const GRANT_CLAIM = 'gid';
/** The claim that names the session a token falls with: `offline_access` was not granted. As useless to others. */
export const SESSION_CLAIM = 'gsu';

/** An access token of ours (RFC 9068), its signature and times checked; nothing is said of whether it was revoked. */
export interface VerifiedAccessToken extends JWTPayload {
  jti: string;
  iat: number;
  exp: number;
  client_id: string;
  aud: string | string[];
  scope?: string;
  [GRANT_CLAIM]?: string;
  [SESSION_CLAIM]?: string;
  [API_KEY_CLAIM]?: string;
  cnf?: { jkt?: string; 'x5t#S256'?: string };
}

export type AccessTokens = ReturnType<typeof createAccessTokens>;

export function createAccessTokens({ issuer, keys }: { issuer: string; keys: LiveKeys }) {
  /** The look for a key is shared by many requests, and each of them is to be answered that it failed. */
  const verifier = (kid: string) =>
    keys.verifier(kid).catch((err: Error) => {
      noteUnavailable(err);
      throw err;
    });

  return {
    /**
     * Null for whatever is not an unexpired access token of this issuer.
     * @throws where the keys cannot be read, so that nobody knows what it is
     */
    async verify(token: string): Promise<VerifiedAccessToken | null> {
      const kid = kidOf(token);
      const key = kid ? await verifier(kid) : null;
      if (!key) return null;
      try {
        const { payload } = await jwtVerify(token, key.publicKey, {
          issuer,
          typ: 'at+jwt',
          algorithms: [key.algorithm],
          clockTolerance: CLOCK_TOLERANCE,
          requiredClaims: ['jti', 'iat', 'exp', 'aud', 'client_id'],
        });
        return payload as VerifiedAccessToken;
      } catch {
        // Malformed, forged, expired: all of them are no token.
        return null;
      }
    },
  };
}

/** Undefined for whatever is no JWT. */
export function kidOf(token: string | string[] | undefined): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token as string);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}
