import { type ApiKey, DEFAULT_LIFETIME } from '../../src/api-keys/api-key.ts';
import { issueApiKey } from '../../src/api-keys/format.ts';
import type { ApiSettings } from '../../src/clients/api.ts';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { toMilliseconds } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { TOKEN_EXCHANGE } from '../../src/oidc/api-key-client.ts';
import { API_KEY_TOKEN_TYPE } from '../../src/oidc/api-key-exchange.ts';
import { type Answer, post } from './endpoint.ts';
import type { TestClient, TestServer } from './server.ts';

export const PERMISSIONS = ['notes:read', 'notes:write'];

export interface KeyScene {
  api: TestClient & { audience: string };
  service: TestClient;
  /** What its holder has. */
  key: string;
  id: string;
}

/** A machine with a key for an API. */
export async function addApiKey(
  server: Pick<TestServer, 'addClient' | 'app'>,
  { permissions = ['notes:read'], expiresIn, api: settings }: AddApiKey = {},
): Promise<KeyScene> {
  const audience = `https://${newId('cli')}.example`;
  const api = await server.addClient('resource', {
    audience,
    scopes: PERMISSIONS,
    api: { ...DEFAULT_API, ...settings },
  });
  const service = await server.addClient('service', { audiences: [audience], scopes: PERMISSIONS });
  const made = await keyOf(server, { service, api, permissions, expiresIn });
  return { api: { ...api, audience }, service, ...made };
}

interface AddApiKey {
  permissions?: string[];
  /** Null: does not expire. Seconds. */
  expiresIn?: number | null | undefined;
  api?: Partial<ApiSettings>;
}

/** One more key. */
export async function keyOf(
  { app }: Pick<TestServer, 'app'>,
  {
    service,
    api,
    permissions = ['notes:read'],
    expiresIn = DEFAULT_LIFETIME,
  }: AddApiKey & Record<'service' | 'api', TestClient>,
): Promise<{ key: string; id: string }> {
  const { key, keyHash } = issueApiKey();
  const id = newId('key');
  const expiresAt = expiresIn === null ? null : app.stores.clock() + toMilliseconds(expiresIn);
  const row = { id, name: 'Night job', clientId: service.id, apiId: api.id, permissions, expiresAt };
  await app.stores.apiKeys.create(row, keyHash, BY_OPERATOR);
  return { key, id };
}

export function exchange(
  server: Pick<TestServer, 'issuer'>,
  key: string,
  more: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const asked = { grant_type: TOKEN_EXCHANGE, subject_token: key, subject_token_type: API_KEY_TOKEN_TYPE };
  return post(server, '/oauth2/token', { ...asked, ...more }, headers);
}

export async function stored({ app }: Pick<TestServer, 'app'>, id: string): Promise<ApiKey> {
  return (await app.stores.apiKeys.find(id)) as ApiKey;
}
