import { existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { checkIdentity } from '../prisma/installation.ts';
import { checkUnused } from '../sqlite/both-files.ts';
import { unpack } from './archive.ts';
import type { Manifest } from './manifest.ts';
import { findKeyring } from './restored-keyring.ts';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';
import { checkFiles, moveIntoPlace, prepareFiles } from './unpacked.ts';

/** A fresh volume has nothing but this in it. */
const OF_THE_FILE_SYSTEM = 'lost+found';

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
  const data = realPathOf(folders.data);
  const aside = isEmpty(data) ? null : `${data}.before-${new Date(clock()).toISOString().replaceAll(/[:.]/g, '')}`;
  if (aside !== null && !force) {
    throw new OperatorProblem(`${data} is not empty: set DATA_DIR to an empty folder, or move it aside with --force`);
  }
  checkUnused(data);
  // On the file system of the place where it is going.
  const { path: folder, remove: close } = temporaryFolderIn(data);
  try {
    const { manifest, authenticate } = await unpack(file, folder, onBytes);
    const { keyring, put } = await findKeyring(folder, folders.keys, passphrase);
    checkIdentity(manifest, { issuer, keyringId: keyring.id });
    authenticate(keyring);
    checkFiles(folder, file, keyring);
    return {
      manifest,
      aside,
      putInPlace({ keepSessions }) {
        const { createdAt: madeAt } = manifest;
        // Nothing in the backup is younger, even where the clock was set back since.
        const at = Math.max(clock(), Date.parse(madeAt));
        prepareFiles(folder, { at, madeAt, ending: !keepSessions });
        // Asked a second time, since it took a while: who writes to what is moved aside is heard by nobody.
        checkUnused(data);
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

/** Behind a link, so that what is moved aside is the folder and not the link. */
function realPathOf(folder: string): string {
  return existsSync(folder) ? realpathSync(folder) : path.resolve(folder);
}

function temporaryFolderIn(data: string): TemporaryFolder {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    return temporaryFolder(data, '.restoring-');
  } catch (err) {
    throw new OperatorProblem(
      `the data folder ${data} cannot be written to (${(err as NodeJS.ErrnoException).code}): make it writable for this user, or set DATA_DIR to another`,
      { cause: err },
    );
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).every((name) => name === OF_THE_FILE_SYSTEM);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    throw new OperatorProblem(`the data folder ${folder} cannot be read (${code}): set DATA_DIR to another`, {
      cause: err,
    });
  }
}
