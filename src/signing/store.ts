import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

export interface StoredSigningKey {
  kid: string;
  /** PKCS #8 PEM. Sealed at rest. */
  privateKey: string;
  createdAt: Milliseconds;
  /** Published from the start, signs from here on. */
  activatesAt: Milliseconds;
  revokedAt: Milliseconds | null;
}

export interface SigningKeyStore {
  list(): Promise<StoredSigningKey[]>;
  add(key: StoredSigningKey, by: By): Promise<void>;
  /** The first key of an installation: of several processes that start together, one adds its key. */
  addFirst(key: StoredSigningKey, by: By): Promise<void>;
  /**
   * Adds it if no key younger than `predecessor` is there, but for revoked ones: of several instances that find a key old
   * at the same time, one adds another.
   */
  addSuccessor(key: StoredSigningKey, predecessor: string, by: By): Promise<boolean>;
  revoke(kid: string, by: By): Promise<boolean>;
}
