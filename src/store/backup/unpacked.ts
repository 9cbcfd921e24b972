import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import type { Keyring } from '../../lib/keyring.ts';
import { keyIdOf } from '../../lib/sealing.ts';
import { readMigrations, unapplied } from '../migrations.ts';
import { insertAuditEvent } from '../sqlite/audit-event.ts';
import { readHistory, readInstallation } from '../sqlite/both-files.ts';
import { SQLITE_MIGRATIONS } from '../sqlite/migrate.ts';
import { inTransaction, openStateFile } from '../sqlite/state-file.ts';
import { endState, refuseOlder } from './end-everything.ts';
import { damaged } from './manifest.ts';

/** @param folder with the files of a backup @throws {OperatorProblem} where this program cannot use them */
export function checkFiles(folder: string, backup: string, keyring: Keyring): void {
  inFiles(folder, (database, state) => {
    for (const db of [database, state]) {
      const [found] = db.prepare('PRAGMA quick_check').all();
      if (found?.['quick_check'] !== 'ok') throw damaged(backup, 'its database is damaged');
    }
    unapplied(readMigrations(SQLITE_MIGRATIONS), readHistory(database), backup);
    if (readInstallation(database)?.standing !== 'open') {
      throw new OperatorProblem(
        `${backup} was made of an installation that had been left: use the backups of the new place`,
      );
    }
    checkLastingKeys(database, backup, keyring);
  });
}

/** Without them nothing starts. Made early in a rotation, a backup rests on a key that is older than its manifest. */
function checkLastingKeys(database: DatabaseSync, backup: string, keyring: Keyring): void {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'LastingKey'").get();
  const rows = table ? database.prepare('SELECT sealedKey FROM LastingKey').all() : [];
  const keyIds = rows.map(({ sealedKey }) => keyIdOf(Buffer.from(String(sealedKey), 'base64url')));
  const lost = keyIds.find((keyId) => !keyring.has(keyId));
  if (lost === undefined) return;
  throw new OperatorProblem(
    `${backup} is sealed under key ${lost}, which this keyring holds no more: put back the keyring.json of that time`,
  );
}

/** @param ending everything issued until then is ended; null: it lives again */
export function prepareFiles(
  folder: string,
  { at, madeAt, ending }: { at: Milliseconds; madeAt: string; ending: boolean },
): void {
  inFiles(folder, (database, state) => {
    if (ending) inTransaction(state, () => endState({ state }));
    inTransaction(database, () => {
      if (ending) refuseOlder({ database }, at);
      insertAuditEvent(database, { event: 'installation.restored', madeAt, sessionsKept: !ending }, at);
    });
  });
}

function inFiles(folder: string, work: (database: DatabaseSync, state: DatabaseSync) => void): void {
  const state = openStateFile(path.join(folder, 'state.db'));
  const database = new DatabaseSync(path.join(folder, 'gatewright.db'));
  try {
    work(database, state);
  } finally {
    database.close();
    state.close();
  }
}

/** @param aside where what is in the data folder goes, the folder with the files in it included; null: there is nothing */
export function moveIntoPlace(data: string, folder: string, aside: string | null): void {
  if (aside !== null) moveAside(data, aside);
  const from = aside === null ? folder : path.join(aside, path.basename(folder));
  // With the second one the installation exists.
  for (const name of ['state.db', 'gatewright.db']) renameSync(path.join(from, name), path.join(data, name));
  rmSync(from, { recursive: true });
}

function moveAside(data: string, aside: string): void {
  try {
    renameSync(data, aside);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new OperatorProblem(`${data} cannot be moved aside (${code}): empty it by hand, and leave out --force`, {
      cause: err,
    });
  }
  mkdirSync(data, { mode: 0o700 });
}
