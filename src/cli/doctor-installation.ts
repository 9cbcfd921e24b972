import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { type Config, longestLifetime } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { sentenceOf } from './failure.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';
import { iso } from './layout.ts';
import { openSigning } from './signing.ts';
import { isMissing } from './stores.ts';

/** What was written yesterday cannot be from tomorrow. */
const YOUNGEST_CLOCK = Date.UTC(2026, 0, 1);

export async function checkInstallation(config: Config, clock: Clock): Promise<Finding[]> {
  const { databaseFile } = await import('../store/open.ts');
  const file = databaseFile(config.folders.data);
  if (isMissing(file)) {
    const folder = path.resolve(config.folders.data);
    return [
      note('database', `there is none in ${folder} yet: the server makes it when it starts`),
      clockFinding([], clock),
    ];
  }
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    return [
      problem('database', `${path.resolve(file)} cannot be used (${code}): give it to the user that runs Gatewright`),
    ];
  }
  const { pending } = await import('../store/prisma/migrate.ts');
  try {
    const names = pending({ file });
    if (names.length > 0) {
      const advice = 'restart the server, or run npx gatewright migrate';
      return [problem('migrations', `${names.length} to be applied (${names.join(', ')}): ${advice}`)];
    }
  } catch (err) {
    return [problem('migrations', sentence(err))];
  }
  try {
    return [ok('migrations', 'the database is up to date'), ...(await lookInside(config, clock))];
  } catch (err) {
    return [ok('migrations', 'the database is up to date'), problem('installation', sentence(err))];
  }
}

/** @throws {OperatorProblem} where the keyring, the database and the issuer do not belong together */
async function lookInside(config: Config, clock: Clock): Promise<Finding[]> {
  const { openStores } = await import('../store/open.ts');
  const { issuer, folders } = config;
  const stores = await openStores({ issuer, folders, longestLifetime: longestLifetime(config), clock });
  try {
    // Reading them unseals them, which shows that the keyring is the right one.
    const keys = await (await openSigning({ config, stores }, clock)).list();
    const active = keys.find(({ state }) => state === 'active');
    return [
      ok('keyring', 'opens, and belongs to this database and issuer'),
      active
        ? ok('signing key', `${active.kid}, since ${iso(active.activatesAt)}`)
        : warning('signing key', 'none is active: the server makes one when it starts'),
      (await stores.accounts.hasAdministrator())
        ? ok('administrator', 'there is one')
        : warning('administrator', 'there is none: npx gatewright setup-link lets you make one'),
      clockFinding(
        keys.map(({ createdAt }) => createdAt),
        clock,
      ),
    ];
  } finally {
    await stores.close();
  }
}

function clockFinding(written: number[], clock: Clock): Finding {
  const now = clock();
  const isSane = now >= Math.max(YOUNGEST_CLOCK, ...written);
  return isSane
    ? ok('clock', iso(now))
    : problem(
        'clock',
        `it says ${iso(now)}, which is earlier than what was written before: set it, and keep it by NTP`,
      );
}

function sentence(err: unknown): string {
  if (err instanceof OperatorProblem) return sentenceOf(err);
  return `cannot be opened (${err instanceof Error ? err.message.split('\n')[0] : err}): restore it from its backup`;
}
