import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { type Config, storeOptions } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { ID_TOKEN_ALGORITHM } from '../lib/signing-algorithm.ts';
import type { StatedKey } from '../signing/key-set.ts';
import { sentenceAbout } from './doctor-failure.ts';
import { checkKeyring } from './doctor-keyring.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';
import { iso } from './layout.ts';
import { openSigning } from './signing.ts';

/** What was written yesterday cannot be from tomorrow. */
const YOUNGEST_CLOCK = Date.UTC(2026, 0, 1);

/** The database, whichever it is, and whether keyring, issuer and clock fit it. */
export async function checkInstallation(config: Config, clock: Clock): Promise<Finding[]> {
  const { placeOf } = await import('../store/place.ts');
  const place = placeOf(config);
  try {
    if (config.database.url === null) await checkFile(config.folders.data);
    if (await place.isNew()) {
      return [
        note('database', `there is none in ${place.name} yet: the server makes it when it starts`),
        clockFinding([], clock),
      ];
    }
  } catch (err) {
    return [problem('database', sentenceAbout(err, RESTORE))];
  }
  try {
    const names = await place.pendingMigrations();
    if (names.length > 0) {
      const advice = 'restart the server, or run npx gatewright migrate';
      return [problem('migrations', `${names.length} to be applied (${names.join(', ')}): ${advice}`)];
    }
  } catch (err) {
    return [problem('migrations', sentenceAbout(err, RESTORE))];
  }
  const upToDate = ok('migrations', 'the database is up to date');
  try {
    return [upToDate, ...(await lookInside(config, clock))];
  } catch (err) {
    return [upToDate, problem('installation', sentenceAbout(err, RESTORE))];
  }
}

const RESTORE = 'restore it from its backup';

async function checkFile(folder: string): Promise<void> {
  const [{ databaseFile }, { isMissing }, { OperatorProblem }] = await Promise.all([
    import('../store/sqlite/engine.ts'),
    import('../store/place.ts'),
    import('../lib/errors.ts'),
  ]);
  const file = databaseFile(folder);
  if (isMissing(file)) return;
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new OperatorProblem(
      `${path.resolve(file)} cannot be used (${code}): give it to the user that runs Gatewright`,
    );
  }
}

/** @throws {OperatorProblem} where the keyring, the database and the issuer do not belong together */
async function lookInside(config: Config, clock: Clock): Promise<Finding[]> {
  const { openStores } = await import('../store/open.ts');
  // What Redis keeps is looked at by a check of its own, whose problems must not hide these.
  const stores = await openStores({ ...storeOptions(config), redis: null, clock });
  try {
    // Reading them unseals them, which shows that the keyring is the right one.
    const keys = await (await openSigning({ config, stores }, clock)).list();
    const active = keys.filter(({ state }) => state === 'active');
    const signs = active.some(({ algorithm }) => algorithm === ID_TOKEN_ALGORITHM);
    return [
      ...checkKeyring(stores.keyring, clock),
      ...(signs ? [] : [warning('signing key', 'none is active: the server makes one when it starts')]),
      ...active.map(({ kid, algorithm, activatesAt }) =>
        ok('signing key', `${kid} (${algorithm}), since ${iso(activatesAt)}`),
      ),
      (await stores.accounts.hasAdministrator())
        ? ok('administrator', 'there is one')
        : warning('administrator', 'there is none: npx gatewright setup-link lets you make one'),
      clockFinding(keys, clock),
    ];
  } finally {
    await stores.close();
  }
}

/** A key that was made ahead of its time is revoked, and counts no more, where it was the clock of that moment that was wrong. */
export function clockFinding(
  keys: readonly Pick<StatedKey, 'kid' | 'createdAt' | 'revokedAt'>[],
  clock: Clock,
): Finding {
  const now = clock();
  const early = keys.find(({ createdAt, revokedAt }) => createdAt > now && revokedAt === null);
  if (early) {
    return problem(
      'clock',
      `it says ${iso(now)}, but the signing key ${early.kid} was made at ${iso(early.createdAt)}: set it, and keep it by NTP; where it was wrong then, npx gatewright key rotate --revoke ${early.kid}`,
    );
  }
  return now >= YOUNGEST_CLOCK
    ? ok('clock', iso(now))
    : problem('clock', `it says ${iso(now)}, which is before this program was made: set it, and keep it by NTP`);
}
