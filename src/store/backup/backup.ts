import { closeSync, existsSync, linkSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { AuditEvent } from '../../audit/audit.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { openKeyring } from '../../lib/keyring.ts';
import { checkIdentity } from '../prisma/installation.ts';
import { insertAuditEvent } from '../sqlite/audit-event.ts';
import { openBothFiles, readHistory, readInstallation } from '../sqlite/both-files.ts';
import { isFrozen } from '../sqlite/freeze.ts';
import { checkStanding, UNFINISHED_MOVE } from '../standing.ts';
import { describePart, pack } from './archive.ts';
import { MANIFEST, type Manifest, PARTS, writeManifest } from './manifest.ts';
import { sealKeyring } from './sealed-keyring.ts';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

export interface BackupOptions {
  issuer: string;
  folders: { data: string; keys: string };
  file: string;
  /** What is there is replaced, at the very end. */
  force: boolean;
  /** The keyring goes along, sealed under this; null: it does not. */
  passphrase: string | null;
  /** Version of this program. */
  program: string;
  clock: Clock;
}

export interface Made {
  /** How many bytes it is, compressed. */
  size: number;
  createdAt: string;
}

/**
 * A consistent copy of an embedded installation, which may be in use meanwhile.
 * @throws {OperatorProblem}
 */
export async function makeBackup(
  options: BackupOptions,
  onBytes: (done: number, total: number) => void,
): Promise<Made> {
  const { file, force, clock } = options;
  checkTarget(file, force);
  // Beside the target, so that it is moved there in one step, and never through a folder that others read.
  const temporary = makeFolder(file);
  const folder = temporary.path;
  try {
    const createdAt = new Date(clock()).toISOString();
    const known = snapshot(options.folders.data, folder);
    const keyring = openKeyring(options.folders.keys, { mayCreate: false });
    checkIdentity(known, { issuer: options.issuer, keyringId: keyring.id });
    if (options.passphrase !== null) {
      const text = readFileSync(path.join(options.folders.keys, 'keyring.json'), 'utf8');
      writeFileSync(path.join(folder, 'keyring.sealed'), await sealKeyring(text, options.passphrase), { mode: 0o600 });
    }
    const names = PARTS.filter((name) => existsSync(path.join(folder, name)));
    const parts = await Promise.all(names.map((name) => describePart(folder, name)));
    const { issuer, keyringId, migrations } = known;
    const manifest = writeManifest(
      { program: options.program, createdAt, issuer, keyringId, migrations, parts },
      keyring,
    );
    writeFileSync(path.join(folder, MANIFEST), manifest, { mode: 0o600 });

    const total = parts.reduce((sum, { size }) => sum + size, 0);
    const draft = path.join(folder, 'draft');
    let done = 0;
    await pack(folder, [MANIFEST, ...names], draft, (count) => {
      done += count;
      onBytes(done, total);
    });
    putInPlace(draft, file, force);
    record(options.folders.data, { event: 'backup.made', keyring: options.passphrase !== null }, clock());
    return { size: statSync(file).size, createdAt };
  } finally {
    temporary.remove();
  }
}

function checkTarget(file: string, force: boolean): void {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new OperatorProblem(`${file} is a folder: name the file to be made in it`);
  if (there && !force) throw taken(file);
}

function makeFolder(file: string): TemporaryFolder {
  try {
    return temporaryFolder(path.dirname(file), '.gatewright-backup-');
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new OperatorProblem(`${path.dirname(file)} cannot be written to (${code}): name a folder that can`, {
      cause: err,
    });
  }
}

/**
 * State first: what the newer relational side refuses (not_before) is refused of the older state too, never the other way
 * round. VACUUM INTO blocks no writer, and leaves out free pages and what was deleted in them.
 */
function snapshot(data: string, folder: string): Pick<Manifest, 'issuer' | 'keyringId' | 'migrations'> {
  const files = openBothFiles(data);
  try {
    vacuumInto(files.state, path.join(folder, 'state.db'));
    vacuumInto(files.database, path.join(folder, 'gatewright.db'));
    const installation = readInstallation(files.database);
    if (!installation)
      throw new OperatorProblem(`there is no installation in ${data} yet: start the server there once`);
    // Whoever still backs up the old files after a move would believe that they have a backup.
    checkStanding(installation);
    if (isFrozen(files.state)) throw new OperatorProblem(UNFINISHED_MOVE);
    const { issuer, keyringId } = installation;
    return { issuer, keyringId, migrations: readHistory(files.database).map(({ name }) => name) };
  } finally {
    files.close();
  }
}

/** Of what is there now: a backup does not tell of itself. */
function record(data: string, event: AuditEvent, at: Milliseconds): void {
  const files = openBothFiles(data);
  try {
    insertAuditEvent(files.database, event, at);
  } finally {
    files.close();
  }
}

function vacuumInto(db: DatabaseSync, file: string): void {
  // SQLite writes into an empty file, and leaves its mode as it is.
  closeSync(openSync(file, 'wx', 0o600));
  db.prepare('VACUUM INTO ?').run(file);
}

function putInPlace(draft: string, file: string, force: boolean): void {
  try {
    // Unlike a rename, this fails where somebody else was faster.
    if (!force) {
      linkSync(draft, file);
      return;
    }
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') throw taken(file);
  }
  // Also where the file system knows no links.
  renameSync(draft, file);
}

function taken(file: string): OperatorProblem {
  return new OperatorProblem(`${file} is there already: name another file, or replace it with --force`);
}
