import { type Config, parseConfig, storeOptions } from '../config/config.ts';
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
  const [{ openStores }, { placeOf }] = await Promise.all([import('../store/open.ts'), import('../store/place.ts')]);

  const place = placeOf(config);
  const isNew = await place.isNew();
  // An installation keeps its issuer for good, so a look into the wrong place must not make one.
  if (isNew && !mayCreate) {
    throw new Failure(
      `there is no installation in ${place.name} yet: start the server, or set ${place.setting} to where it is`,
    );
  }
  const stores = await openStores({ ...storeOptions(config), clock });
  try {
    if (isNew) out.warn(`made a new installation in ${place.name} for the issuer ${config.issuer}`);
    return await work({ config, stores });
  } finally {
    await stores.close();
  }
}
