import { readFileSync } from 'node:fs';
import Koa from 'koa';
import { listen, type Running } from './listen.ts';
import { headers, sameOriginPosts, showProblems } from './protection.ts';
import { createRelyingParty } from './relying-party.ts';
import { createRoutes } from './routes.ts';
import { isLoopbackHttp, requireSecureUrl } from './secure-url.ts';
import { createSessions } from './sessions.ts';

export interface WebAppOptions {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** 0, the default, takes a free port; but its addresses must be registered with the provider. */
  port?: number;
  /** How browsers reach it, if not as http://localhost:port. */
  publicUrl?: string;
  scope?: string;
  /** The API's identifier, asked for as `resource`. Without it the client's default counts. */
  resource?: string;
  /** Where the notes API listens. Without it there is no "Call the API". */
  apiUrl?: string;
  log?(line: string): void;
}

/** What to register with the provider for a web application at this address. */
export function webAppAddresses(url: string) {
  return {
    redirectUri: `${url}/callback`,
    postLogoutRedirectUri: `${url}/signed-out`,
    backchannelLogoutUri: `${url}/backchannel-logout`,
  };
}

export async function startWebApp(options: WebAppOptions): Promise<Running> {
  const { issuer, port = 0, publicUrl, apiUrl, log = console.error } = options;
  for (const [name, value] of Object.entries({ issuer, publicUrl, apiUrl })) {
    if (value !== undefined) requireSecureUrl(name, value);
  }
  if (isLoopbackHttp(new URL(issuer))) log('the issuer is http on loopback: fine for trying, for nothing else');

  const server = await listen(port, (url) => createWebApp(options, publicUrl?.replace(/\/$/, '') ?? url).callback());
  return publicUrl ? { ...server, url: publicUrl.replace(/\/$/, '') } : server;
}

function createWebApp(options: WebAppOptions, url: string): Koa {
  const { issuer, clientId, clientSecret, resource = null, apiUrl = null, log = console.error } = options;
  const { scope = apiUrl ? 'openid profile email notes:read notes:write' : 'openid profile email' } = options;
  const addresses = webAppAddresses(url);
  const relyingParty = createRelyingParty({ ...addresses, issuer, clientId, clientSecret, scope, resource });

  const { origin, protocol, port } = new URL(url);
  const secure = protocol === 'https:';
  // Cookies do not know ports: without it in the name, two of these on one machine would share theirs.
  const cookieName = secure ? '__Host-web-app' : `web-app-${port}`;
  const sessions = createSessions({ cookieName, secure });

  const routes = createRoutes({ relyingParty, sessions, redirectUri: addresses.redirectUri, apiUrl });
  const style = readFileSync(new URL('./style.css', import.meta.url), 'utf8');
  routes.get('/style.css', (ctx) => {
    ctx.type = 'css';
    ctx.body = style;
  });

  const app = new Koa();
  app.use(headers({ formTargets: [new URL(issuer).origin] }));
  app.use(showProblems(log));
  app.use(sameOriginPosts(origin));
  app.use(routes.routes()).use(routes.allowedMethods());
  return app;
}
