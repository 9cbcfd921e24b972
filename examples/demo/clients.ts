import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { type ClientSettings, type ClientType, defaultSettings } from '../../src/clients/client.ts';
import { clientSecretHash } from '../../src/clients/secrets.ts';
import type { ClientStore } from '../../src/clients/store.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { singlePageAppAddresses } from '../single-page-app/server.ts';
import { webAppAddresses } from '../web-app/server.ts';

export const NOTES = 'https://notes.example';
export const WEB_APP = 'web-app';
export const SINGLE_PAGE_APP = 'single-page-app';

export const NOTES_API = 'notes-api';
/** And what they mean, for people who are asked for consent. */
export const NOTES_PERMISSIONS = { 'notes:read': 'Read your notes', 'notes:write': 'Write notes' };

const NOTES_SCOPES = Object.keys(NOTES_PERMISSIONS);
const SCOPES = ['openid', 'profile', 'email', ...NOTES_SCOPES];

interface Urls {
  webApp: string;
  singlePageApp: string;
}

/** What `gatewright api create` and `client create` do, as examples/README.md shows. */
export async function addClients(clients: ClientStore, urls: Urls, webAppSecret: string): Promise<void> {
  const web = webAppAddresses(urls.webApp);
  const spa = singlePageAppAddresses(urls.singlePageApp);

  await add(
    clients,
    { id: NOTES_API, type: 'resource', name: 'Notes API', audience: NOTES },
    { scopes: NOTES_SCOPES, api: { ...DEFAULT_API, permissionsBy: 'role', permissionTexts: NOTES_PERMISSIONS } },
  );
  await add(
    clients,
    { id: WEB_APP, type: 'web', name: 'Meadow Notes', audience: null, secret: webAppSecret },
    {
      redirectUris: [web.redirectUri],
      postLogoutRedirectUris: [web.postLogoutRedirectUri],
      backchannelLogoutUri: web.backchannelLogoutUri,
      ...{ scopes: SCOPES, audiences: [NOTES], clientUri: urls.webApp },
    },
  );
  await add(
    clients,
    { id: SINGLE_PAGE_APP, type: 'spa', name: 'Meadow Board', audience: null },
    {
      redirectUris: [spa.redirectUri],
      postLogoutRedirectUris: [spa.postLogoutRedirectUri],
      ...{ scopes: SCOPES, audiences: [NOTES], clientUri: urls.singlePageApp },
    },
  );
}

interface Registration {
  id: string;
  type: ClientType;
  name: string;
  audience: string | null;
  secret?: string;
}

/** The addresses follow the ports of this start; the rest of what somebody tried out on a client is put back too. */
async function add(
  clients: ClientStore,
  { secret, ...registration }: Registration,
  changes: Partial<ClientSettings>,
): Promise<void> {
  const client = { ...registration, settings: { ...defaultSettings(registration.type), ...changes } };
  const known = await clients.find(client.id);
  if (!known) return clients.create(client, secret ? clientSecretHash(secret) : null, BY_OPERATOR);
  if (!isDeepStrictEqual(known.settings, client.settings)) await clients.update(client, BY_OPERATOR);
}
