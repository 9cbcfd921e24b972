import type { HeldRole } from '../authorization/role.ts';
import { OIDC_SCOPES } from '../clients/client.ts';
import type { RegisteredClient, Registry } from './registry.ts';

/** What a token for an API may say of whoever it is made for. */
export interface Permissions {
  scopes: string[];
  roles: string[];
}

export interface PermissionsAtApi extends Permissions {
  api: RegisteredClient;
}

/**
 * A machine that acts for itself is nobody: scopes about a person say nothing in its tokens, and could mislead an API.
 * Others have what they are registered with today, also where a refresh token was granted more.
 */
export function personalScopes({ type, settings }: RegisteredClient): string[] {
  return type === 'service' ? [] : OIDC_SCOPES.filter((scope) => settings.scopes.includes(scope));
}

/** An API that was registered before these names were refused must not have its tokens open userinfo by one of them. */
function permissionsOf({ settings }: RegisteredClient): string[] {
  return settings.scopes.filter((scope) => !(OIDC_SCOPES as readonly string[]).includes(scope));
}

/**
 * What registration and roles allow; what a person consented to is in the grant.
 * @param held null where nobody is known yet for whom a token might be made
 */
function permitted(api: RegisteredClient, client: RegisteredClient, held: HeldRole[] | null): Permissions {
  const permissions = permissionsOf(api);
  const registered = permissions.filter((scope) => client.settings.scopes.includes(scope));
  if (held === null) return { scopes: registered, roles: [] };

  const roles = held.map(({ name }) => name);
  const given = held.flatMap(({ permissions }) => permissions);
  if (client.type === 'service') {
    // A role keeps the name of a permission that its API has no more.
    return { scopes: permissions.filter((scope) => [...registered, ...given].includes(scope)), roles };
  }
  const byRole = api.settings.api.permissionsBy === 'role';
  return { scopes: byRole ? registered.filter((scope) => given.includes(scope)) : registered, roles };
}

/** Everything that a token for this API can say, for a client that may perhaps open userinfo with it. */
export function scopeAt({ scopes }: Permissions, client: RegisteredClient): string {
  return [...scopes, ...(client.settings.userinfoWithApi ? personalScopes(client) : [])].join(' ');
}

export function createPermissions(registry: Pick<Registry, 'api' | 'roles'>) {
  /**
   * As of now.
   * @param accountId undefined where nobody has signed in yet, and for a client that acts for itself
   * @returns null for an API that is unknown, disabled, or not among those that the client is registered for
   */
  return async function permissionsAt(
    audience: string,
    client: RegisteredClient,
    accountId?: string,
  ): Promise<PermissionsAtApi | null> {
    if (!client.settings.audiences.includes(audience)) return null;
    const api = await registry.api(audience);
    if (api?.status !== 'active') return null;
    const holder =
      client.type === 'service'
        ? ({ kind: 'client', id: client.id } as const)
        : accountId !== undefined && ({ kind: 'account', id: accountId } as const);
    return { api, ...permitted(api, client, holder ? await registry.roles(holder, api.id) : null) };
  };
}

export type PermissionsAt = ReturnType<typeof createPermissions>;
