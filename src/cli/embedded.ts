import type { Config } from '../config/config.ts';
import { Failure } from './failure.ts';

/**
 * For commands about the files of an embedded installation.
 * @throws {Failure} where there are none
 */
export async function checkEmbedded(config: Config): Promise<void> {
  if (config.database.url !== null) {
    throw new Failure('this is about the files in DATA_DIR, but DATABASE_URL is set: leave it out for this command');
  }
  const { placeOf } = await import('../store/place.ts');
  const place = placeOf(config);
  if (await place.isNew()) {
    throw new Failure(`there is no installation in ${place.name} yet: set ${place.setting} to where it is`);
  }
}
