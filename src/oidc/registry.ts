import type { HeldRole, RoleHolder } from '../authorization/role.ts';
import type { Client } from '../clients/client.ts';
import type { Milliseconds } from '../lib/duration.ts';

/** A key of a machine without OAuth, its own client and its API active, neither expired nor revoked. */
export interface UsableApiKey {
  id: string;
  clientId: string;
  apiId: string;
  audience: string;
  permissions: string[];
  createdAt: Milliseconds;
  expiresAt: Milliseconds | null;
}

/** What every find of an artifact asks of its account and client: may it still be used? */
export interface Standing {
  active: boolean;
  /** What was made at this instant or before is refused. */
  notBefore: Milliseconds;
}

export interface RegisteredClient extends Client {
  notBefore: Milliseconds;
  /** Secrets that may be used, two of them during a rotation. */
  secretHashes: string[];
}

/** The reads on the path of every request, each one or two statements by primary key. Null where there is none. */
export interface Registry {
  account(id: string): Promise<Standing | null>;
  client(id: string): Promise<RegisteredClient | null>;
  /** The API that goes by this audience. */
  api(audience: string): Promise<RegisteredClient | null>;
  /** The roles that somebody holds at an API, by their names; those of everybody are every account's. */
  roles(holder: RoleHolder, apiId: string): Promise<HeldRole[]>;
  /** Whether an account is among those that may use a client which is not open to everybody. */
  isListed(clientId: string, accountId: string): Promise<boolean>;
  /** Null alike where there is none and where it may not be used (any more): one statement, whichever it is. */
  apiKey(by: 'keyHash' | 'id', value: string): Promise<UsableApiKey | null>;
}

/** As the tables have it. */
export function heldRole({ name, permissions }: { name: string; permissions: string }): HeldRole {
  return { name, permissions: JSON.parse(permissions) as string[] };
}

export type StoredApiKey = Omit<UsableApiKey, 'permissions'> & { permissions: string };

/** As the tables have it. */
export function usableApiKey(row: StoredApiKey): UsableApiKey {
  const { id, clientId, apiId, audience, permissions, createdAt, expiresAt } = row;
  return { id, clientId, apiId, audience, permissions: JSON.parse(permissions) as string[], createdAt, expiresAt };
}
