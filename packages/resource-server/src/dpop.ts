import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose';
import { type ApiRequest, headerValues } from './api-request.ts';
import type { DpopSettings } from './dpop-options.ts';
import { Problem, unavailable } from './problem.ts';
import { comparable, publicAddress } from './public-address.ts';

const LONGEST_PROOF = 4 * 1024;
const LONGEST_ID = 256;

export type Dpop = ReturnType<typeof createDpop>;

/** Checks the proof that comes with a token (RFC 9449 4.3 and 7.1). */
export function createDpop({ algorithms, maxAge, clockTolerance, publicUrl, replays, nonces }: DpopSettings) {
  const lifetime = maxAge + 2 * clockTolerance;

  function requireMatch({ htm, htu, iat, ath, nonce }: JWTPayload, request: ApiRequest, token: string): void {
    if (htm !== request.method) throw bad('The proof is for another method');
    if (typeof htu !== 'string' || comparable(htu) !== publicAddress(publicUrl, request.url))
      throw bad('The proof is for another address');
    const age = Date.now() / 1000 - (iat as number);
    // Written so that what is no number is refused.
    if (!(age <= maxAge + clockTolerance && age >= -clockTolerance)) throw bad('The proof is too old, or not from now');
    if (ath !== sha256(token)) throw bad('The proof is for another token');
    if (nonces && !nonces.isCurrent(nonce))
      throw new Problem('use_dpop_nonce', 'The proof needs the nonce of this answer');
  }

  /** Last of all, so that only a proof that is good in every other way takes room. */
  async function spend(jkt: string, { jti }: JWTPayload): Promise<void> {
    if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_ID) throw bad('The proof has no proper id');
    const isFirst = await Promise.resolve()
      .then(() => replays.firstUse(sha256(`${jkt}\n${jti}`), Date.now() + lifetime * 1000))
      .catch((err: unknown) => {
        throw unavailable('It could not be seen whether the proof was used before', err);
      });
    // Also for an answer that is neither true nor false.
    if (isFirst !== true) throw bad('The proof was used before');
  }

  return {
    algorithms,
    nonces,
    /** @param jkt the thumbprint of the key that the token is bound to. @throws {Problem} */
    async verify(jkt: string, request: ApiRequest, token: string): Promise<void> {
      const [proof, ...more] = headerValues(request, 'dpop');
      if (proof === undefined || more.length > 0 || proof.length > LONGEST_PROOF) throw bad('Send one DPoP header');

      // Before any signature is looked at: nobody has us work with a key that is not the token's.
      const thumbprint = await thumbprintIn(proof);
      if (thumbprint !== jkt) throw new Problem('invalid_token', 'The access token is bound to another key');
      const { payload } = await jwtVerify(proof, EmbeddedJWK, {
        ...{ typ: 'dpop+jwt', algorithms, clockTolerance, requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'] },
      }).catch((err: unknown) => {
        throw bad('The proof is not genuine', err);
      });
      requireMatch(payload, request, token);
      await spend(jkt, payload);
    },
  };
}

async function thumbprintIn(proof: string): Promise<string> {
  try {
    return await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk ?? {});
  } catch (err) {
    throw bad('The proof names no key', err);
  }
}

function bad(description: string, cause?: unknown): Problem {
  return new Problem('invalid_dpop_proof', description, { cause });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
