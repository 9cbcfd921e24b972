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
  revoke(kid: string, by: By): Promise<boolean>;
}
