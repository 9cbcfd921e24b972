import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose';
import type { SigningAlgorithm } from '../lib/signing-algorithm.ts';
import type { StoredSigningKey } from './store.ts';

const MODULUS_BITS = 2048;

const make = promisify(generateKeyPair);
const rsa = () => make('rsa', { modulusLength: MODULUS_BITS });

const MAKE = {
  RS256: rsa,
  PS256: rsa,
  ES256: () => make('ec', { namedCurve: 'P-256' }),
  Ed25519: () => make('ed25519'),
};

/** A published key. `jwk` is private and never leaves the process but through the provider, which publishes its half. */
export interface PublishedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  jwk: JWK;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** For one algorithm and no other (RFC 8725 3.1), named by its thumbprint (RFC 7638). */
export async function generateSigningKey(
  algorithm: SigningAlgorithm,
): Promise<Pick<StoredSigningKey, 'kid' | 'algorithm' | 'privateKey'>> {
  const { privateKey, publicKey } = await MAKE[algorithm]();
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  return { kid, algorithm, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

export async function readSigningKey({ kid, algorithm, privateKey }: StoredSigningKey): Promise<PublishedKey> {
  const jwk = await exportJWK(await importPKCS8(privateKey, algorithm, { extractable: true }));
  return {
    kid,
    algorithm,
    jwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
    publicKey: createPublicKey(privateKey),
    privateKey: createPrivateKey(privateKey),
  };
}
