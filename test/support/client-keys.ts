import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { newId } from '../../src/lib/ids.ts';

export type ClientKeys = Awaited<ReturnType<typeof clientKeys>>;

/** The key pair of a client, and the set that it registers. */
export async function clientKeys(alg: 'RS256' | 'PS256' | 'ES256' | 'Ed25519' = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = newId('cli');
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    privateKey,
    kid,
    alg,
    jwks: { keys: [jwk as Record<string, unknown>] },
    sign: (payload: JWTPayload, header: { typ?: string } = {}) =>
      new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** RFC 7523 3: who asks, as what, of whom. */
export function assertionClaims(clientId: string, audience: string | string[], changes: JWTPayload = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return { iss: clientId, sub: clientId, aud: audience, jti: newId('msg'), iat: now, exp: now + 60, ...changes };
}
