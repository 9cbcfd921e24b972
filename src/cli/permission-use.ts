import type { Client } from '../clients/client.ts';
import type { ClientStore } from '../clients/store.ts';
import { Failure } from './failure.ts';

/** @throws {Failure} where roles or API keys have a permission that is to go, unless it is meant */
export async function checkPermissionUse(
  clients: ClientStore,
  { id, name, settings }: Client,
  kept: string[],
  force: boolean,
): Promise<void> {
  const going = settings.scopes.filter((scope) => !kept.includes(scope));
  if (force || going.length === 0) return;
  const uses = (await clients.permissionUses(id)).filter(({ permissions }) =>
    permissions.some((one) => going.includes(one)),
  );
  if (uses.length === 0) return;
  throw new Failure(
    `permissions of ${name} are in use: npx gatewright api update ${id} --remove-permission … --force takes them away there too`,
    uses.map((use) => `${use.permissions.filter((one) => going.includes(one)).join(' ')} by the ${use.by} ${use.name}`),
  );
}
