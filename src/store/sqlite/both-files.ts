import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import type { AppliedMigration } from '../migrations.ts';
import { databaseFile, stateFile } from './engine.ts';
import { openStateFile } from './state-file.ts';

const LOCK_WAIT: Milliseconds = 5_000;
/** SQLITE_BUSY */
const BUSY = 5;

/** Both files of an embedded installation, for what concerns them as a whole. */
export interface BothFiles {
  database: DatabaseSync;
  state: DatabaseSync;
  close(): void;
}

/**
 * Through `node:sqlite` alone: a process in which two SQLite libraries open one file loses its locks. So nothing else of
 * an installation may be opened beside this.
 */
export function openBothFiles(folder: string): BothFiles {
  const state = unlessBusy(folder, () => openStateFile(stateFile(folder)));
  const database = new DatabaseSync(databaseFile(folder));
  for (const db of [database, state]) {
    db.exec(`PRAGMA busy_timeout = ${LOCK_WAIT}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON`);
  }
  return {
    database,
    state,
    // What is not committed by then is undone.
    close() {
      for (const db of [database, state]) if (db.isOpen) db.close();
    },
  };
}

/** From here on no other process writes, until the transactions end. */
export function lockBoth({ database, state }: BothFiles, folder: string): void {
  unlessBusy(folder, () => {
    database.exec('BEGIN IMMEDIATE');
    state.exec('BEGIN IMMEDIATE');
  });
}

/**
 * Also a server with nothing to do counts: in WAL mode, whoever has a file open holds a shared lock on it.
 * @throws {OperatorProblem} where a process of this machine has one of them open
 */
export function checkUnused(folder: string): void {
  for (const file of [databaseFile(folder), stateFile(folder)].filter((name) => existsSync(name))) {
    const db = new DatabaseSync(file);
    try {
      db.exec('PRAGMA locking_mode = EXCLUSIVE');
      db.prepare('SELECT 1 FROM sqlite_master').get();
    } catch (err) {
      // One that is damaged or cannot be read is nobody's any more.
      if ((err as { errcode?: number }).errcode !== BUSY) continue;
      throw new OperatorProblem(`another process has ${file} open: stop the server and other commands first`, {
        cause: err,
      });
    } finally {
      db.close();
    }
  }
}

function unlessBusy<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (err) {
    if ((err as { errcode?: number }).errcode !== BUSY) throw err;
    throw new OperatorProblem(`another process is writing to ${folder}: stop the server and other commands first`, {
      cause: err,
    });
  }
}

export interface InstallationRow {
  issuer: string;
  rpId: string;
  keyringId: string;
  createdAt: Milliseconds;
  standing: string;
  leftFor: string | null;
}

/** @returns undefined for a file that no server ever started on. Columns that a file is too old for are as they were. */
export function readInstallation(database: DatabaseSync): InstallationRow | undefined {
  if (!database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'Installation'").get()) return undefined;
  const row = database.prepare('SELECT * FROM Installation').get();
  return row && ({ standing: 'open', leftFor: null, ...row } as unknown as InstallationRow);
}

export function readHistory(database: DatabaseSync): AppliedMigration[] {
  return database
    .prepare(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
    )
    .all()
    .map(({ name, checksum, finished }) => ({
      name: String(name),
      checksum: String(checksum),
      finished: finished === 1,
    }));
}
