import type { Role } from '../authorization/role.ts';
import type { Client } from '../clients/client.ts';
import { existingApi } from './existing-api.ts';
import { Failure } from './failure.ts';
import type { Opened } from './stores.ts';

/** @throws {Failure} */
export async function existingRole(
  { clients, roles }: Pick<Opened['stores'], 'clients' | 'roles'>,
  which: string,
  name: string,
): Promise<{ api: Client; role: Role }> {
  const api = await existingApi(clients, which);
  const role = await roles.find(api.id, name);
  if (role) return { api, role };
  throw new Failure(`${api.name} has no role ${name}: npx gatewright role list --api ${api.id} shows those there are`);
}
