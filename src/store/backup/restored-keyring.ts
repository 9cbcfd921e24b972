import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OperatorProblem } from '../../lib/errors.ts';
import { type Keyring, openKeyring } from '../../lib/keyring.ts';
import { unsealKeyring } from './sealed-keyring.ts';

const FILE = 'keyring.json';

export interface RestoredKeyring {
  keyring: Keyring;
  /** Into its folder, where it is not there already. */
  put(): void;
}

/**
 * The keyring that opens a backup: the one in its folder, or else the one in the backup.
 * @param unpacked where the parts of the backup are
 * @param passphrase null: what is in the backup is not to be used
 * @throws {OperatorProblem}
 */
export async function findKeyring(
  unpacked: string,
  keys: string,
  passphrase: (() => Promise<string>) | null,
): Promise<RestoredKeyring> {
  const file = path.join(keys, FILE);
  if (existsSync(file)) return { keyring: openKeyring(keys, { mayCreate: false }), put: () => {} };
  const sealed = path.join(unpacked, 'keyring.sealed');
  const isInBackup = existsSync(sealed);
  if (!isInBackup || passphrase === null) {
    const other = isInBackup ? ', or take it from the backup with --with-keyring' : '; the backup does not hold it';
    throw new OperatorProblem(`the keyring ${file} is missing: put it back from its own copy${other}`);
  }
  const text = await unsealKeyring(readFileSync(sealed, 'utf8'), await passphrase());
  writeFileSync(path.join(unpacked, FILE), text, { mode: 0o600 });
  const keyring = openKeyring(unpacked, { mayCreate: false });
  return { keyring, put: () => put(keys, text) };
}

function put(keys: string, text: string): void {
  const file = path.join(keys, FILE);
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  // Written aside and linked into place, so that nobody ever reads half a keyring, and none that came meanwhile is lost.
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, file);
  } catch (err) {
    throw new OperatorProblem(
      `${file} cannot be made (${(err as NodeJS.ErrnoException).code}): make its folder empty`,
      {
        cause: err,
      },
    );
  } finally {
    rmSync(draft);
  }
}
