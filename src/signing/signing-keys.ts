import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose';
import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type StatedKey, stateKeys } from './key-set.ts';
import type { SigningKeyStore, StoredSigningKey } from './store.ts';

const MODULUS_BITS = 2048;

/** A published key. `jwk` is private and never leaves the process but through the provider, which publishes its half. */
export interface PublishedKey {
  kid: string;
  jwk: JWK;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export interface SigningSet {
  /** The one that signs comes first. */
  keys: PublishedKey[];
  /** False where the key that signed was revoked, and none has taken its place yet. */
  canSign: boolean;
  /** Equal for equal sets. */
  version: string;
}

export type SigningKeys = ReturnType<typeof createSigningKeys>;

export function createSigningKeys({
  store,
  clock,
  jwksCache,
  retention,
}: {
  store: SigningKeyStore;
  clock: Clock;
  /** How long verifiers keep the JWKS: a key is published for that long before it signs. */
  jwksCache: Seconds;
  retention: Seconds;
}) {
  const published = new Map<string, PublishedKey>();

  async function publish({ kid, privateKey }: StoredSigningKey): Promise<PublishedKey> {
    const known = published.get(kid);
    if (known) return known;
    const jwk = await exportJWK(await importPKCS8(privateKey, 'RS256', { extractable: true }));
    const key = {
      kid,
      jwk: { ...jwk, kid, alg: 'RS256', use: 'sig' },
      publicKey: createPublicKey(privateKey),
      privateKey: createPrivateKey(privateKey),
    };
    published.set(kid, key);
    return key;
  }

  async function stated(): Promise<StatedKey[]> {
    return stateKeys(await store.list(), clock(), toMilliseconds(retention));
  }

  async function newKey(activatesAt: Milliseconds): Promise<StoredSigningKey> {
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
      modulusLength: MODULUS_BITS,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(publicKey)));
    return { kid, privateKey, createdAt: clock(), activatesAt, revokedAt: null };
  }

  return {
    list: stated,
    /** The keys to publish now. */
    async current(): Promise<SigningSet> {
      const all = await stated();
      const usable = all.filter(({ state }) => state === 'announced' || state === 'active' || state === 'retired');
      // Of equally fit keys the provider signs with the first.
      usable.sort((a, b) => Number(b.state === 'active') - Number(a.state === 'active'));
      const keys = await Promise.all(usable.map(publish));
      return { keys, canSign: usable[0]?.state === 'active', version: keys.map(({ kid }) => kid).join(' ') };
    },
    /** Makes sure that there is a key that signs. */
    async ensure(by: By): Promise<void> {
      if ((await stated()).some(({ state }) => state === 'active')) return;
      await store.addFirst(await newKey(clock()), by);
    },
    /** Adds a key, which signs once every verifier's JWKS is younger than it, or at once. */
    async rotate(
      { immediately }: { immediately: boolean },
      by: By,
    ): Promise<{ kid: string; activatesAt: Milliseconds }> {
      const key = await newKey(clock() + (immediately ? 0 : toMilliseconds(jwksCache)));
      await store.add(key, by);
      return { kid: key.kid, activatesAt: key.activatesAt };
    },
    /** From now on it verifies nothing here; verifiers that hold a cached JWKS trust it until that expires. */
    revoke: (kid: string, by: By): Promise<boolean> => store.revoke(kid, by),
  };
}
