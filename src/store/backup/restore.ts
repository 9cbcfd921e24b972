import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { checkIdentity } from '../prisma/installation.ts';
import { unpack } from './archive.ts';
import type { Manifest } from './manifest.ts';
import { findKeyring } from './restored-keyring.ts';
import { checkFiles, moveIntoPlace, prepareFiles } from './unpacked.ts';

export interface RestoreOptions {
  issuer: string;
  folders: { data: string; keys: string };
  file: string;
  /** What is in the data folder is moved aside. */
  force: boolean;
  clock: Clock;
}

/** A backup that was unpacked and found to be in order. Nothing is changed before `putInPlace`. */
export interface Unpacked {
  manifest: Manifest;
  /** Where what is in the data folder now would go; null: it is empty. */
  aside: string | null;
  putInPlace(options: { keepSessions: boolean }): void;
  /** Removes what was not put in place. */
  close(): void;
}

/**
 * @param passphrase asked for where the keyring is to be taken from the backup; null: it stands in its folder
 * @throws {OperatorProblem}
 */
export async function openBackup(
  { issuer, folders, file, force, clock }: RestoreOptions,
  passphrase: (() => Promise<string>) | null,
  onBytes: (count: number) => void,
): Promise<Unpacked> {
  const data = path.resolve(folders.data);
  const aside = isEmpty(data) ? null : `${data}.before-${new Date(clock()).toISOString().replaceAll(/[:.]/g, '')}`;
  if (aside !== null && !force) {
    throw new OperatorProblem(`${data} is not empty: set DATA_DIR to an empty folder, or move it aside with --force`);
  }
  // On the file system of the place where it is going, and for this user only.
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(path.join(data, '.restoring-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { manifest, authenticate } = await unpack(file, folder, onBytes);
    const { keyring, put } = await findKeyring(folder, folders.keys, passphrase);
    checkIdentity(manifest, { issuer, keyringId: keyring.id });
    authenticate(keyring);
    checkFiles(folder, file);
    return {
      manifest,
      aside,
      putInPlace({ keepSessions }) {
        const { createdAt: madeAt } = manifest;
        // Nothing in the backup is younger, even where the clock was set back since.
        const at = Math.max(clock(), Date.parse(madeAt));
        prepareFiles(folder, { at, madeAt, ending: !keepSessions });
        put();
        moveIntoPlace(data, folder, aside);
      },
      close,
    };
  } catch (err) {
    close();
    throw err;
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    throw new OperatorProblem(`the data folder ${folder} cannot be read (${code}): set DATA_DIR to another`, {
      cause: err,
    });
  }
}
