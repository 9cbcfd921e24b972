import type { Milliseconds } from '../lib/duration.ts';

/** A set of permissions of one API. */
export interface Role {
  id: string;
  /** The client id of the API. */
  apiId: string;
  /** Unique within its API. Stands in tokens (`roles`, RFC 9068 2.2.3.1). */
  name: string;
  description: string;
  permissions: string[];
  /** Every account holds it. */
  everyone: boolean;
  createdAt: Milliseconds;
  updatedAt: Milliseconds;
}

/** Who holds roles: a person, or a machine that acts for itself. */
export interface RoleHolder {
  kind: 'account' | 'client';
  id: string;
}

/** As it counts when a token is made. */
export interface HeldRole {
  name: string;
  permissions: string[];
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Every problem of a role, each a sentence that names the option to mend; none where it is sound. */
export function roleProblems(role: Pick<Role, 'name' | 'description' | 'permissions'>, known: string[]): string[] {
  const unknown = role.permissions.filter((permission) => !known.includes(permission));
  return [
    ...(NAME.test(role.name) ? [] : ['a role is named with letters, digits and . _ - only, 64 at most']),
    ...(/^[^\p{C}]{0,200}$/u.test(role.description) ? [] : ['--description may have 200 visible characters']),
    ...unknown.map(
      (permission) => `--permission: the API has no "${permission}"; it has ${known.join(', ') || 'none'}`,
    ),
  ];
}
