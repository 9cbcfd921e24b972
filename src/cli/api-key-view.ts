import { type ApiKey, stateOf } from '../api-keys/api-key.ts';
import { looksLikeApiKey } from '../api-keys/format.ts';
import type { ApiKeyStore } from '../api-keys/store.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { Failure } from './failure.ts';
import { details, iso } from './layout.ts';

/** @throws {Failure} */
export async function existingApiKey(apiKeys: ApiKeyStore, id: string): Promise<ApiKey> {
  if (looksLikeApiKey(id)) {
    throw new Failure(
      'that is the key itself, which this shell and its history have seen now: name it by its id (key_…), which npx gatewright api-key verify tells, and replace it',
    );
  }
  const key = await apiKeys.find(id);
  if (!key) throw new Failure(`there is no API key ${id}: npx gatewright api-key list shows those there are`);
  return key;
}

/** For programs. */
export function apiKeyJson(key: ApiKey, now: Milliseconds) {
  const { createdAt, expiresAt, lastUsedAt, revokedAt, ...rest } = key;
  return {
    ...{ ...rest, state: stateOf(key, now), createdAt: iso(createdAt) },
    ...{ expiresAt: isoOrNull(expiresAt), lastUsedAt: isoOrNull(lastUsedAt), revokedAt: isoOrNull(revokedAt) },
  };
}

export function apiKeyText(key: ApiKey, now: Milliseconds): string {
  const { id, name, clientId, apiId, permissions, createdAt, expiresAt, lastUsedAt, revokedAt, replacedBy } = key;
  return details([
    ['key id', id],
    ['name', name],
    ['state', stateOf(key, now)],
    ['client', clientId],
    ['API', apiId],
    ['permissions', permissions],
    ['created', iso(createdAt)],
    ['expires', isoOrNull(expiresAt) ?? 'never'],
    ['last used', isoOrNull(lastUsedAt) ?? 'never'],
    ['revoked', isoOrNull(revokedAt)],
    ['replaced by', replacedBy],
  ]);
}

export function keyText(key: string): string {
  return `API key, shown this once and kept nowhere:\n\n  ${key}`;
}

export function isoOrNull(at: Milliseconds | null): string | null {
  return at === null ? null : iso(at);
}
