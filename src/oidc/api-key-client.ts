import { defaultSettings } from '../clients/client.ts';
import type { RegisteredClient, Registry } from './registry.ts';

/**
 * Who exchanges a key for a token. The key is the proof; this public client only gives the request a name, since the
 * library wants one. In no table. It can do nothing else: no other grant, no redirect, no token of its own.
 */
export const API_KEY_CLIENT = 'gatewright-api-key';

/** RFC 8693 2.1 */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A client by that name cannot be registered over this one. */
export function withApiKeyClient(registry: Registry): Registry {
  const client: RegisteredClient = {
    id: API_KEY_CLIENT,
    ...{ name: 'API keys', type: 'service', status: 'active', audience: null },
    settings: { ...defaultSettings('service'), authMethod: 'none' },
    ...{ registeredBy: null, managesItself: false, notBefore: 0, secretHashes: [], createdAt: 0, updatedAt: 0 },
  };
  return { ...registry, client: async (id) => (id === API_KEY_CLIENT ? client : registry.client(id)) };
}
