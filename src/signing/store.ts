import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { SigningAlgorithm } from '../lib/signing-algorithm.ts';

export interface StoredSigningKey {
  kid: string;
  /** It signs by this one and by no other. */
  algorithm: SigningAlgorithm;
  /** PKCS #8 PEM. Sealed at rest. */
  privateKey: string;
  createdAt: Milliseconds;
  /** Published from the start, signs from here on. */
  activatesAt: Milliseconds;
  revokedAt: Milliseconds | null;
}

export interface SigningKeyStore {
  list(): Promise<StoredSigningKey[]>;
  /** By which the APIs that are in use want their tokens signed. */
  wanted(): Promise<SigningAlgorithm[]>;
  add(key: StoredSigningKey, by: By): Promise<void>;
  /** The first key of an algorithm: of several processes that find it missing together, one adds its key. */
  addFirst(key: StoredSigningKey, by: By): Promise<void>;
  /**
   * Adds it if no key of its algorithm younger than `predecessor` is there, but for revoked ones: of several instances that
   * find a key old at the same time, one adds another.
   */
  addSuccessor(key: StoredSigningKey, predecessor: string, by: By): Promise<boolean>;
  revoke(kid: string, by: By): Promise<boolean>;
}
