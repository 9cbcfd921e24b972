import type { ApiSettings } from '../../src/clients/api.ts';
import { DEFAULT_API } from '../../src/clients/api.ts';
import type { ClientSettings } from '../../src/clients/client.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import type { TestClient, TestServer } from './server.ts';

export interface TestApi extends TestClient {
  audience: string;
}

type WithStores = Pick<TestServer, 'app' | 'addClient'>;

/** Where posts are read and written; what it lays down besides is as every API has it. */
export async function addApi(
  server: WithStores,
  api: Partial<ApiSettings> = {},
  scopes = ['posts:read', 'posts:write', 'posts:delete'],
): Promise<TestApi> {
  const audience = `https://${newId('cli').slice(4).toLowerCase()}.example`;
  const added = await server.addClient('resource', { audience, scopes, api: { ...DEFAULT_API, ...api } });
  return { ...added, audience };
}

/** Some of what was registered, replaced. */
export async function change(
  { app }: Pick<TestServer, 'app'>,
  { id }: Pick<TestClient, 'id'>,
  { api, ...settings }: Partial<Omit<ClientSettings, 'api'>> & { api?: Partial<ApiSettings> },
): Promise<void> {
  const now = await app.stores.clients.find(id);
  if (!now) throw new Error(`there is no client ${id}`);
  const { name, audience, settings: before } = now;
  const changed = { ...before, ...settings, api: { ...before.api, ...api } };
  await app.stores.clients.update({ id, name, audience, settings: changed }, BY_OPERATOR);
}

/** A role, and those who hold it. @returns its id */
export async function addRole(
  { app: { stores } }: Pick<TestServer, 'app'>,
  api: Pick<TestClient, 'id'>,
  name: string,
  { permissions = [] as string[], accounts = [] as string[], clients = [] as string[], everyone = false },
): Promise<string> {
  const id = newId('rol');
  await stores.roles.create({ id, apiId: api.id, name, description: '', permissions, everyone }, BY_OPERATOR);
  for (const account of accounts) await stores.roles.grant(id, { kind: 'account', id: account }, BY_OPERATOR);
  for (const client of clients) await stores.roles.grant(id, { kind: 'client', id: client }, BY_OPERATOR);
  return id;
}
