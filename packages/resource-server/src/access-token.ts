import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Claims } from './caller.ts';
import { invalidToken, Problem } from './problem.ts';

export interface AccessTokenRules {
  issuer: string;
  audience: string;
  algorithms: string[];
  /** Seconds by which the issuer's clock may differ from ours. */
  clockTolerance: number;
}

/** With how many keys a token that fits several is tried: each trial is work that a stranger causes. */
const MOST_TRIALS = 4;

/** Verifies JWT access tokens (RFC 9068 4). */
export function createAccessTokens(rules: AccessTokenRules, keys: JWTVerifyGetKey) {
  const expected: JWTVerifyOptions = {
    ...rules,
    typ: 'at+jwt', // also application/at+jwt; an ID token of the same issuer is no access token
    requiredClaims: ['iss', 'aud', 'exp', 'iat', 'sub', 'client_id', 'jti'],
  };

  async function payloadOf(token: string): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, keys, expected)).payload;
    } catch (err) {
      if (err instanceof errors.JWKSMultipleMatchingKeys) return tryEach(token, err);
      throw err;
    }
  }

  /** Several keys under one id, or a token that names none (RFC 7517 4.5). */
  async function tryEach(token: string, candidates: errors.JWKSMultipleMatchingKeys): Promise<JWTPayload> {
    let trials = 0;
    for await (const key of candidates) {
      trials += 1;
      if (trials > MOST_TRIALS) break;
      try {
        return (await jwtVerify(token, key, expected)).payload;
      } catch (err) {
        if (!(err instanceof errors.JWSSignatureVerificationFailed)) throw err;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }

  /** @throws {Problem} invalid_token, or temporarily_unavailable where the issuer's keys are not known. */
  return async function verify(token: string): Promise<Claims> {
    const payload = await payloadOf(token).catch((err: unknown) => {
      throw err instanceof Problem
        ? err
        : invalidToken('The access token is expired, not for this API, or not genuine', err);
    });
    if ((payload.iat as number) > Date.now() / 1000 + rules.clockTolerance)
      throw invalidToken('The access token was issued in the future');
    return payload;
  };
}
