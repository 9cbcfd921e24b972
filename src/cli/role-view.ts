import type { Role, RoleHolder } from '../authorization/role.ts';
import type { Client } from '../clients/client.ts';
import { yesNo } from './client-view.ts';
import { details, iso } from './layout.ts';
import type { Opened } from './stores.ts';

type Stores = Pick<Opened['stores'], 'accounts' | 'clients' | 'roles'>;

/** Somebody who holds a role, as the operator knows them. */
export interface NamedHolder extends RoleHolder {
  name: string;
}

export function roleJson(
  { id, name, apiId, description, permissions, everyone, createdAt, updatedAt }: Role,
  api: Client,
) {
  return {
    ...{ id, name, api: { id: apiId, audience: api.audience }, description, permissions, everyone },
    ...{ createdAt: iso(createdAt), updatedAt: iso(updatedAt) },
  };
}

export function roleText(role: Role, api: Client, holders: NamedHolder[]): string {
  return details([
    ['role', role.name],
    ['API', `${api.name} (${api.audience})`],
    ['description', role.description || null],
    ['permissions', role.permissions],
    ['held by everyone', yesNo(role.everyone)],
    ['held by', holders.length > 0 ? holders.map(({ id, name }) => `${id}  ${name}`) : null],
    ['created', iso(role.createdAt)],
    ['updated', iso(role.updatedAt)],
  ]);
}

export async function holdersOf({ accounts, clients, roles }: Stores, role: Role): Promise<NamedHolder[]> {
  const holders = await roles.holders(role.id);
  return Promise.all(
    holders.map(async ({ kind, id }) => {
      const name = kind === 'account' ? (await accounts.find(id))?.email : (await clients.find(id))?.name;
      return { kind, id, name: name ?? '' };
    }),
  );
}

export type HeldRoles = Awaited<ReturnType<typeof heldRoles>>;

/** The roles that somebody was given, with the APIs they are for. */
export async function heldRoles({ clients, roles }: Stores, holder: RoleHolder) {
  const held = [];
  for (const { apiId, name } of await roles.heldBy(holder)) {
    const api = await clients.find(apiId);
    if (api) held.push({ api: { id: apiId, audience: api.audience }, name });
  }
  return held;
}

export function heldText(held: HeldRoles): string[] | null {
  return held.length > 0 ? held.map(({ api, name }) => `${name}  at ${api.audience}`) : null;
}
