import { startMicroservice } from '../../examples/microservice/server.ts';
import { singlePageAppAddresses, startSinglePageApp } from '../../examples/single-page-app/server.ts';
import { startWebApp, webAppAddresses } from '../../examples/web-app/server.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';

const NOTES = 'https://notes.example';
const NOTES_SCOPES = ['notes:read', 'notes:write'];

/** A server and the three examples, which rely on it as any application would. */
export interface World {
  server: TestServer;
  webApp: { url: string; client: TestClient };
  singlePageApp: { url: string; client: TestClient };
  /** What the examples would have logged: nothing, as long as all is well. */
  logged: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startWorld(
  env: Record<string, string> = {},
  /** Seconds since the sign-in of somebody who forgets all notes. */
  { freshFor = 300 } = {},
): Promise<World> {
  const server = await startTestServer(env);
  const { issuer } = server;
  const logged: string[] = [];
  const log = (line: string) => {
    if (!line.startsWith('the issuer is http on loopback')) logged.push(line);
  };

  const ports = { web: await freePort(), spa: await freePort() };
  const web = webAppAddresses(`http://localhost:${ports.web}`);
  const spa = singlePageAppAddresses(`http://localhost:${ports.spa}`);
  const rights = { scopes: ['openid', 'profile', 'email', ...NOTES_SCOPES], audiences: [NOTES] };

  await server.addClient('resource', { audience: NOTES, scopes: NOTES_SCOPES });
  const webClient = await server.addClient('web', {
    ...{ redirectUris: [web.redirectUri], postLogoutRedirectUris: [web.postLogoutRedirectUri] },
    ...{ backchannelLogoutUri: web.backchannelLogoutUri, ...rights },
  });
  const spaClient = await server.addClient('spa', {
    ...{ name: 'Meadow Board', redirectUris: [spa.redirectUri] },
    ...{ postLogoutRedirectUris: [spa.postLogoutRedirectUri], ...rights },
  });

  const notes = await startMicroservice({ issuer, audience: NOTES, allowedOrigins: [spa.origin], freshFor, log });
  const api = { apiUrl: notes.url, resource: NOTES };
  const { id: clientId, secret: clientSecret } = webClient;
  const webApp = await startWebApp({ issuer, clientId, clientSecret, port: ports.web, log, ...api });
  const singlePageApp = await startSinglePageApp({ issuer, clientId: spaClient.id, port: ports.spa, ...api });

  return {
    server,
    webApp: { url: webApp.url, client: webClient },
    singlePageApp: { url: singlePageApp.url, client: spaClient },
    logged,
    async [Symbol.asyncDispose]() {
      for (const each of [singlePageApp, webApp, notes]) await each.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
