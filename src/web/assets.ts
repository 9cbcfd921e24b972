import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import type { Middleware } from 'koa';

/** Files of any other kind are left alone, so a note or a backup in the folder is never served. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
};

const PREFIX = '/assets/';

/** Scripts of packages, served as they are. An operator's folder may hold others of the same name. */
const PACKAGED: Readonly<Record<string, [name: string, fromItsEntry: string]>> = {
  'webauthn.js': ['@simplewebauthn/browser', '../dist/bundle/index.umd.min.js'],
};
const packages = createRequire(import.meta.url);

export interface Asset {
  body: Buffer;
  contentType: string;
  /** The start of the content's SHA-256, in hex. */
  digest: string;
}

export interface AssetFolders {
  /** The views folder; files are those directly in its `assets/`. */
  folder: string;
  /** The operator's folder, laid out alike: a file of the same name replaces ours, others are added. */
  overrideFolder?: string | undefined;
}

/** Everything that may be served, read once: what a request names is only ever looked up here. */
export function loadAssets({ folder, overrideFolder }: AssetFolders): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const [name, [entry, file]] of Object.entries(PACKAGED)) {
    const path = join(dirname(packages.resolve(entry)), file);
    assets.set(name, { ...digested(readFileSync(path)), contentType: CONTENT_TYPES['.js'] as string });
  }
  for (const root of [folder, overrideFolder]) {
    const place = root && join(root, 'assets');
    if (!place || !existsSync(place)) continue;
    for (const name of readdirSync(place)) {
      const contentType = CONTENT_TYPES[extname(name)];
      if (contentType && !name.startsWith('.')) assets.set(name, { ...read(root, join(place, name)), contentType });
    }
  }
  return assets;
}

function read(root: string, path: string): Omit<Asset, 'contentType'> {
  if (!isInside(root, path)) throw new Error(`${path} leads out of ${root}`);
  return digested(readFileSync(path));
}

function digested(body: Buffer): Omit<Asset, 'contentType'> {
  return { body, digest: createHash('sha256').update(body).digest('hex').slice(0, 32) };
}

/** Follows symbolic links, so that a link inside the folder cannot publish a file outside it. */
export function isInside(root: string, path: string): boolean {
  return realpathSync(path).startsWith(realpathSync(root) + sep);
}

/** The digest in the address lets a new version be seen at once, however long the old one is cached. */
export function assetHref(assets: ReadonlyMap<string, Asset>, name: string): string {
  const asset = assets.get(name);
  if (!asset) throw new Error(`there is no asset ${name}`);
  return `${PREFIX}${name}?v=${asset.digest.slice(0, 8)}`;
}

/** Answers GET and HEAD under `/assets/`; whatever it does not have is left to the next middleware. */
export function serveAssets(folders: AssetFolders): Middleware {
  const assets = loadAssets(folders);

  return async (ctx, next) => {
    const wanted = ctx.path.startsWith(PREFIX) && (ctx.method === 'GET' || ctx.method === 'HEAD');
    const asset = wanted ? assets.get(ctx.path.slice(PREFIX.length)) : undefined;
    if (!asset) return next();

    ctx.status = 200;
    ctx.set('Cache-Control', 'public, max-age=3600');
    ctx.set('Content-Type', asset.contentType);
    ctx.etag = asset.digest;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = asset.body;
  };
}
