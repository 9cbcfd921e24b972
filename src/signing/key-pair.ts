import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose';
import type { StoredSigningKey } from './store.ts';

const MODULUS_BITS = 2048;

/** A published key. `jwk` is private and never leaves the process but through the provider, which publishes its half. */
export interface PublishedKey {
  kid: string;
  jwk: JWK;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** Named by its thumbprint (RFC 7638). */
export async function generateSigningKey(): Promise<Pick<StoredSigningKey, 'kid' | 'privateKey'>> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: MODULUS_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { kid: await calculateJwkThumbprint(await exportJWK(createPublicKey(publicKey))), privateKey };
}

export async function readSigningKey({ kid, privateKey }: StoredSigningKey): Promise<PublishedKey> {
  const jwk = await exportJWK(await importPKCS8(privateKey, 'RS256', { extractable: true }));
  return {
    kid,
    jwk: { ...jwk, kid, alg: 'RS256', use: 'sig' },
    publicKey: createPublicKey(privateKey),
    privateKey: createPrivateKey(privateKey),
  };
}
