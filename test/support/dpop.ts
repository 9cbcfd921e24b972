import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { sha256 } from '../../src/lib/hash.ts';
import { newId } from '../../src/lib/ids.ts';

export interface ProofOptions {
  /** The access token that it goes with. */
  token?: string | undefined;
  nonce?: string | undefined;
  method?: string;
  claims?: JWTPayload;
  header?: Record<string, unknown>;
}

export type DpopKey = Awaited<ReturnType<typeof dpopKey>>;

/** A key of a client's, and proofs that it is held (RFC 9449 4.2). */
export async function dpopKey(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);

  async function proof(url: string, { token, nonce, method = 'POST', claims, header }: ProofOptions = {}) {
    const payload: JWTPayload = {
      ...{ jti: newId('msg'), htm: method, htu: url, iat: Math.floor(Date.now() / 1000) },
      ...(token !== undefined && { ath: sha256(token) }),
      ...(nonce !== undefined && { nonce }),
      ...claims,
    };
    return new SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...header }).sign(privateKey);
  }
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk), proof };
}
