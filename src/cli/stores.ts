import { statSync } from 'node:fs';
import path from 'node:path';
import { type Config, longestLifetime, parseConfig } from '../config/config.ts';
import type { Stores } from '../store/open.ts';
import type { Cli } from './command.ts';
import { Failure } from './failure.ts';

export interface Opened {
  config: Config;
  stores: Stores;
}

/**
 * Opens the installation that the configuration names, for as long as `work` takes. The server may be running.
 * @param mayCreate where there is none yet, this command may be the one that makes it
 */
export async function withStores<T>(
  { env, clock, out }: Cli,
  { mayCreate = false }: { mayCreate?: boolean },
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const config = parseConfig(env);
  const { databaseFile, openStores } = await import('../store/open.ts');

  const { issuer, folders } = config;
  const isNew = isMissing(databaseFile(folders.data));
  // An installation keeps its issuer for good, so a look into the wrong folder must not make one.
  if (isNew && !mayCreate) {
    const folder = path.resolve(folders.data);
    throw new Failure(`there is no installation in ${folder} yet: start the server, or set DATA_DIR to where it is`);
  }
  const stores = await openStores({ issuer, folders, longestLifetime: longestLifetime(config), clock });
  try {
    if (isNew) out.warn(`made a new installation in ${path.resolve(folders.data)} for the issuer ${issuer}`);
    return await work({ config, stores });
  } finally {
    await stores.close();
  }
}

/** Not there, which is something else than not to be seen by this user. */
export function isMissing(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
