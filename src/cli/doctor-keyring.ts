import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { type Keyring, openKeyring } from '../lib/keyring.ts';
import { type Finding, note, ok } from './finding.ts';
import { iso } from './layout.ts';

const YEAR: Milliseconds = toMilliseconds(365 * DAY);

/** Null where none opens; what that means, the check of the installation says. */
export function keyringOf(folder: string): Keyring | null {
  try {
    return openKeyring(folder, { mayCreate: false });
  } catch (err) {
    if (err instanceof OperatorProblem) return null;
    throw err;
  }
}

/** @param keyring one that is known to belong to the database */
export function checkKeyring({ currentKeyId, keys }: Pick<Keyring, 'currentKeyId' | 'keys'>, clock: Clock): Finding[] {
  const { createdAt = 0 } = keys.find(({ id }) => id === currentKeyId) ?? {};
  const old = `its key was made at ${iso(createdAt)}: make sure that the copy of keyring.json is still there`;
  return [
    ok('keyring', 'opens, and belongs to this database and issuer'),
    ...(clock() - createdAt > YEAR ? [note('keyring', old)] : []),
  ];
}
