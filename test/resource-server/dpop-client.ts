import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { seconds } from './issuer.ts';

export type DpopClient = Awaited<ReturnType<typeof newDpopClient>>;

export interface ProofChanges {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

/** A client that holds a key, and what it says to an API at https://api.example. */
export async function newDpopClient(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const jkt = await calculateJwkThumbprint(jwk);

  /** undefined takes a member away. */
  async function proof(token: string, { claims = {}, header = {} }: ProofChanges = {}): Promise<string> {
    const payload = {
      ...{ jti: randomUUID(), htm: 'GET', htu: 'https://api.example/posts', iat: seconds() },
      ...{ ath: createHash('sha256').update(token).digest('base64url'), ...claims },
    };
    const head = { alg, typ: 'dpop+jwt', jwk: jwk as JWK, ...header };
    return new SignJWT(payload).setProtectedHeader(head).sign(privateKey);
  }

  return {
    ...{ jkt, jwk, privateKey, proof, cnf: { jkt } },
    async headers(token: string, changes: ProofChanges = {}): Promise<Record<string, string>> {
      return { authorization: `DPoP ${token}`, dpop: await proof(token, changes) };
    },
  };
}
