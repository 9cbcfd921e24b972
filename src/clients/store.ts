import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Client } from './client.ts';

export type NewClient = Omit<Client, 'status' | 'createdAt' | 'updatedAt' | 'registeredBy' | 'managesItself'>;

export interface PermissionUse {
  by: 'role' | 'API key';
  name: string;
  permissions: string[];
}

/** Changes are written in one transaction with their audit event and, where access ends, the job that cleans up. */
export interface ClientStore {
  find(id: string): Promise<Client | null>;
  list(): Promise<Client[]>;
  /** @throws {Conflict} when the id or the audience is taken. @param secretHash null for public clients */
  create(client: NewClient, secretHash: string | null, by: By): Promise<void>;
  /** Of an API, the permissions that go are taken from its roles and API keys as well. */
  update(client: Pick<Client, 'id' | 'name' | 'audience' | 'settings'>, by: By): Promise<boolean>;
  /** Who has permissions of an API. */
  permissionUses(apiId: string): Promise<PermissionUse[]>;
  /**
   * Adds a secret; the one before it ends at `oldEndsAt`, all others at once.
   * @param endsAccess also refuse every token issued so far: the old secret was in the wrong hands
   */
  rotateSecret(
    id: string,
    secretHash: string,
    options: { oldEndsAt: Milliseconds; endsAccess: boolean },
    by: By,
  ): Promise<boolean>;
  secrets(id: string): Promise<{ createdAt: Milliseconds; expiresAt: Milliseconds | null }[]>;
  setStatus(id: string, status: Client['status'], by: By): Promise<boolean>;
  /** A client that registered itself can change that no more. False where it could not. */
  endSelfManagement(id: string, by: By): Promise<boolean>;
  delete(id: string, by: By): Promise<boolean>;
}
