import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Koa from 'koa';
import { listen, type Running } from './listen.ts';
import { requireSecureUrl } from './secure-url.ts';

export interface SinglePageAppOptions {
  issuer: string;
  clientId: string;
  /** 0, the default, takes a free port; but its addresses must be registered with the provider. */
  port?: number;
  scope?: string;
  /** The API's identifier, asked for as `resource`. Without it the client's default counts. */
  resource?: string;
  /** Where the notes API listens. Without it there is no "Call the API". */
  apiUrl?: string;
}

/** What to register with the provider for a single-page application at this address. */
export function singlePageAppAddresses(url: string) {
  return { redirectUri: `${url}/callback`, postLogoutRedirectUri: `${url}/signed-out`, origin: new URL(url).origin };
}

export async function startSinglePageApp({
  issuer,
  clientId,
  port = 0,
  apiUrl,
  resource,
  scope = apiUrl ? 'openid profile email notes:read notes:write' : 'openid profile email',
}: SinglePageAppOptions): Promise<Running> {
  const origins = [requireSecureUrl('issuer', issuer).origin];
  if (apiUrl) origins.push(requireSecureUrl('apiUrl', apiUrl).origin);

  const files = createFiles(JSON.stringify({ issuer, clientId, scope, resource, apiUrl }));
  const policy = contentSecurityPolicy(origins);
  const app = new Koa();
  app.use((ctx) => {
    ctx.set('Content-Security-Policy', policy);
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer'); // the callback's address holds the code
    ctx.set('Cache-Control', 'no-store');
    const file = files.get(ctx.path);
    if (!file || !['GET', 'HEAD'].includes(ctx.method)) return;
    ctx.type = file.type;
    ctx.body = file.body;
  });
  return listen(port, () => app.callback());
}

/** A closed list of paths: nothing that a request says becomes a file name. */
function createFiles(config: string): Map<string, { type: string; body: string }> {
  const page = { type: 'html', body: readPublic('index.html') };
  const library = createRequire(import.meta.url).resolve('oauth4webapi'); // one ES module without imports
  return new Map([
    ['/', page],
    ['/callback', page],
    ['/signed-out', page],
    ['/app.js', { type: 'text/javascript', body: readPublic('app.js') }],
    ['/style.css', { type: 'css', body: readPublic('style.css') }],
    ['/oauth4webapi.js', { type: 'text/javascript', body: readFileSync(library, 'utf8') }],
    ['/config.json', { type: 'json', body: config }],
  ]);
}

/** Tokens in a script's memory are as safe as the scripts: only our own run, and they speak to two servers only. */
function contentSecurityPolicy(origins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `connect-src 'self' ${origins.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

function readPublic(name: string): string {
  return readFileSync(new URL(`./public/${name}`, import.meta.url), 'utf8');
}
