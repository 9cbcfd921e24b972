import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Clock } from './clock.ts';
import { OperatorProblem } from './errors.ts';
import { fileIn, type KeyringFile, newKeyring, readIfThere, readKeyringFile } from './keyring-file.ts';

/** Of a file's mode, what its successor may keep: a group that may read, and nothing for others. */
const MOST_OPEN = 0o640;

/** Of several that start for the first time one makes it, and all read that. @throws {OperatorProblem} */
export function makeKeyringFile(folder: string, clock: Clock): void {
  const file = fileIn(folder);
  if (readIfThere(file) !== null) return;
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
    const draft = writeAside(file, newKeyring(clock), null);
    try {
      linkSync(draft, file);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
    } finally {
      unlinkSync(draft);
    }
  } catch (err) {
    throw new OperatorProblem(
      `the keyring ${file} cannot be written (${(err as NodeJS.ErrnoException).code}): make its folder writable for the user that runs Gatewright, or set KEYS_DIR`,
    );
  }
}

/**
 * Replaces the content in one step: whoever reads at the same time reads the old file or the new one. Of two changes
 * at once one is refused.
 * @throws {OperatorProblem} and whatever `change` throws: then nothing was written
 */
export function changeKeyringFile(folder: string, change: (content: KeyringFile) => KeyringFile): void {
  const content = () => readKeyringFile(folder);
  content();
  // Behind a link, the folder that is written to is another one.
  const file = realpathSync(fileIn(folder));
  const lock = `${file}.lock`;
  writing(file, () => writeLock(lock));
  try {
    const changed = change(content());
    writing(file, () => {
      const draft = writeAside(file, changed, statSync(file));
      try {
        renameSync(draft, file);
      } catch (err) {
        unlinkSync(draft);
        throw err;
      }
      removeDrafts(file);
      syncFolder(path.dirname(file));
    });
  } finally {
    rmSync(lock, { force: true });
  }
}

/** A name of its own, because two containers that share the folder may both be process 1. @returns the draft's name */
function writeAside(file: string, content: KeyringFile, before: Stats | null): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
  const fd = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(fd, `${JSON.stringify(content, null, 2)}\n`);
    const made = fstatSync(fd);
    // Written by root, it would be out of reach for the server that runs as somebody else.
    if (before && (made.uid !== before.uid || made.gid !== before.gid)) fchownSync(fd, before.uid, before.gid);
    fchmodSync(fd, before ? before.mode & MOST_OPEN : 0o600);
    fsyncSync(fd);
  } catch (err) {
    rmSync(draft, { force: true });
    throw err;
  } finally {
    closeSync(fd);
  }
  return draft;
}

/** What a change that was killed left behind holds every key, also those that are removed now. */
function removeDrafts(file: string): void {
  const folder = path.dirname(file);
  const isDraft = (name: string) => name.startsWith(`${path.basename(file)}.`) && name.endsWith('.new');
  for (const name of readdirSync(folder).filter(isDraft)) rmSync(path.join(folder, name), { force: true });
}

function writeLock(lock: string): void {
  try {
    writeFileSync(lock, '', { mode: 0o600, flag: 'wx' });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
    throw new OperatorProblem(
      `another command is changing the keyring: try again, and if none is running, delete ${lock}`,
    );
  }
}

/** A file's new name is not on the disk before its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writing(file: string, work: () => void): void {
  try {
    work();
  } catch (err) {
    if (err instanceof OperatorProblem) throw err;
    throw new OperatorProblem(
      `the keyring ${file} cannot be replaced (${(err as NodeJS.ErrnoException).code}): run this as the user that owns it, where its folder can be written`,
    );
  }
}
