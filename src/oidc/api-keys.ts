import type { AdapterPayload } from 'oidc-provider';
import type { ApiKey } from '../api-keys/api-key.ts';
import { apiKeyHash } from '../api-keys/format.ts';
import type { LastUse } from '../api-keys/last-use.ts';
import type { ApiKeyStore } from '../api-keys/store.ts';
import type { Registry, UsableApiKey } from './registry.ts';
import type { ScopeToday } from './scope-today.ts';

/** The claim that names the key behind a token, for logs and for its end. */
export const API_KEY_CLAIM = 'api_key_id';

export interface ApiKeysDeps {
  registry: Registry;
  scopeToday: ScopeToday;
  store: Pick<ApiKeyStore, 'findByHash' | 'revoke'>;
  lastUse: LastUse;
}

export type ApiKeys = ReturnType<typeof createApiKeys>;

export function createApiKeys({ registry, scopeToday, store, lastUse }: ApiKeysDeps) {
  /** Null for what is no key that may be used, whatever it is instead. */
  async function find(presented: string): Promise<UsableApiKey | null> {
    const hash = apiKeyHash(presented);
    return hash === null ? null : registry.apiKey('keyHash', hash);
  }

  /** Also one that may not be used any more, or not today. */
  async function findAny(presented: string): Promise<ApiKey | null> {
    const hash = apiKeyHash(presented);
    return hash === null ? null : store.findByHash(hash);
  }

  /**
   * The roles of a key's client that say no more than the key gives. An API that goes by roles would take another one for
   * all that it stands for.
   */
  async function rolesWithin(keyId: string, scope: string | undefined): Promise<string[]> {
    const key = await registry.apiKey('id', keyId);
    if (!key || scope === undefined) return [];
    const given = scope.split(' ');
    const held = await registry.roles({ kind: 'client', id: key.clientId }, key.apiId);
    return held
      .filter(({ permissions }) => permissions.length > 0 && permissions.every((each) => given.includes(each)))
      .map(({ name }) => name);
  }

  return {
    find,
    rolesWithin,
    isUsable: async (id: string): Promise<boolean> => (await registry.apiKey('id', id)) !== null,
    used: ({ id }: UsableApiKey): void => lastUse.note(id),
    /**
     * What a key is, as the library would have stored it of a token.
     * @param callerId who asks; that its API does is a use of it
     */
    async introspected(presented: string, callerId: string | undefined): Promise<AdapterPayload | undefined> {
      const key = await find(presented);
      if (!key) return undefined;
      const { id, clientId, apiId, audience, permissions, createdAt, expiresAt } = key;
      const issued = { clientId, accountId: undefined, audiences: [audience], scope: permissions.join(' ') };
      const today = await scopeToday.ofApiKey(issued);
      if (!today) return undefined;
      if (callerId === apiId) lastUse.note(id);
      const roles = await rolesWithin(id, today.scope);
      return {
        // Its id is what was presented, which the library therefore keeps to itself.
        ...{ kind: 'ClientCredentials', jti: presented, clientId, aud: audience },
        iat: Math.floor(createdAt / 1000),
        ...(expiresAt !== null && { exp: Math.floor(expiresAt / 1000) }),
        ...(today.scope !== undefined && { scope: today.scope }),
        extra: { sub: clientId, [API_KEY_CLAIM]: id, ...(roles.length > 0 && { roles }) },
      };
    },
    /** Also while its API is disabled, closed to its client or wants more than a key: it would come back with that. */
    async revocable(presented: string): Promise<AdapterPayload | undefined> {
      const key = await findAny(presented);
      return key ? { kind: 'ClientCredentials', jti: presented, clientId: key.clientId } : undefined;
    },
    /** By the client that it belongs to. */
    async revoke(presented: string): Promise<void> {
      const key = await findAny(presented);
      if (key) await store.revoke(key.id, { actor: key.clientId, address: null, requestId: null });
    },
  };
}
