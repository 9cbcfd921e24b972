import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { ApiKey } from './api-key.ts';

export type NewApiKey = Pick<ApiKey, 'id' | 'name' | 'clientId' | 'apiId' | 'permissions' | 'expiresAt'>;

/** Changes are written in one transaction with their audit event. Passes test/store/api-keys.contract.ts. */
export interface ApiKeyStore {
  find(id: string): Promise<ApiKey | null>;
  /** Also one that may not be used any more. */
  findByHash(keyHash: string): Promise<ApiKey | null>;
  /** Oldest first. */
  list(of?: { clientId?: string | undefined; apiId?: string | undefined }): Promise<ApiKey[]>;
  /** False where client or API are gone. */
  create(key: NewApiKey, keyHash: string, by: By): Promise<boolean>;
  /**
   * Makes a key with the name and permissions of another, which works on until `oldEndsAt` or its own end.
   * @returns false where that one is gone, expired, revoked or replaced: of those who race, one makes a key
   */
  rotate(
    id: string,
    successor: { id: string; keyHash: string; expiresAt: Milliseconds | null },
    oldEndsAt: Milliseconds,
    by: By,
  ): Promise<boolean>;
  /** False where there is none, or it was revoked already. */
  revoke(id: string, by: By): Promise<boolean>;
  /** Not a change: no event, and nothing where a later use is known. */
  markUsed(id: string, at: Milliseconds): Promise<void>;
}
