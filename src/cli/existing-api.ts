import type { Client } from '../clients/client.ts';
import type { ClientStore } from '../clients/store.ts';
import { Failure } from './failure.ts';

/** @param which its identifier or its client id; no client id has a colon, and every identifier has @throws {Failure} */
export async function existingApi(clients: ClientStore, which: string): Promise<Client> {
  const api = which.includes(':')
    ? (await clients.list()).find(({ audience }) => audience === which)
    : await clients.find(which);
  if (!api) throw new Failure(`there is no API ${which}: npx gatewright api list shows those there are`);
  if (api.type === 'resource') return api;
  throw new Failure(`${api.name} (${which}) is a ${api.type} client and no API: npx gatewright api list shows those`);
}
