import type { By } from '../lib/by.ts';
import type { Role, RoleHolder } from './role.ts';

export type NewRole = Omit<Role, 'createdAt' | 'updatedAt'>;

/** Changes are written in one transaction with their audit event, and count from the next token and look on. */
export interface RoleStore {
  find(apiId: string, name: string): Promise<Role | null>;
  /** Of one API, or of all. */
  list(apiId?: string): Promise<Role[]>;
  /** Those that were given to somebody; those of everybody are not among them. */
  heldBy(holder: RoleHolder): Promise<Role[]>;
  holders(roleId: string): Promise<RoleHolder[]>;
  /** @throws {Conflict} when the API has a role of that name */
  create(role: NewRole, by: By): Promise<void>;
  /** @throws {Conflict} as above. False where there is none. */
  update(role: Omit<NewRole, 'apiId'>, by: By): Promise<boolean>;
  delete(id: string, by: By): Promise<boolean>;
  /** False where it was held already, or where there is no such role or holder (any more). */
  grant(roleId: string, holder: RoleHolder, by: By): Promise<boolean>;
  /** False where it was not held. */
  revoke(roleId: string, holder: RoleHolder, by: By): Promise<boolean>;
}
