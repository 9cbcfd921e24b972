import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../lib/clock.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';

const VERSION = 1;
/** SQLITE_CORRUPT and SQLITE_NOTADB */
const DAMAGED = [11, 26];
/** How long a statement waits for another process's write. The wait blocks this process too. */
const LOCK_WAIT: Milliseconds = 5_000;

/**
 * Hot, short-lived state in a file of its own: protocol artifacts, death marks, attempts, progress of sign-ins.
 * `uid`, `grant_id`, `account_id`, `client_id` are what the store searches by; all else is hashed or sealed.
 */
const SCHEMA = `
  CREATE TABLE artifact (
    kind TEXT NOT NULL, id_hash TEXT NOT NULL,
    uid TEXT, grant_id TEXT, account_id TEXT, client_id TEXT,
    born_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, consumed_at INTEGER, sealed BLOB NOT NULL,
    PRIMARY KEY (kind, id_hash)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX artifact_uid ON artifact (uid) WHERE uid IS NOT NULL;
  CREATE INDEX artifact_grant ON artifact (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX artifact_account ON artifact (account_id) WHERE account_id IS NOT NULL;
  CREATE INDEX artifact_client ON artifact (client_id) WHERE client_id IS NOT NULL;
  CREATE INDEX artifact_expiry ON artifact (expires_at);

  CREATE TABLE session (
    uid TEXT PRIMARY KEY, account_id TEXT, born_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX session_account ON session (account_id) WHERE account_id IS NOT NULL;
  CREATE INDEX session_expiry ON session (expires_at);

  CREATE TABLE session_authorization (
    uid TEXT NOT NULL, client_id TEXT NOT NULL, sid TEXT, grant_id TEXT, persists_logout INTEGER NOT NULL,
    PRIMARY KEY (uid, client_id)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX session_authorization_client ON session_authorization (client_id);

  CREATE TABLE death (subject TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX death_expiry ON death (expires_at);

  CREATE TABLE attempt (
    subject TEXT PRIMARY KEY, count INTEGER NOT NULL, consecutive INTEGER NOT NULL, strikes INTEGER NOT NULL,
    window_ends_at INTEGER NOT NULL, blocked_until INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX attempt_expiry ON attempt (expires_at);

  CREATE TABLE progress (
    id_hash TEXT PRIMARY KEY, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, sealed BLOB NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX progress_expiry ON progress (expires_at);
`;

/**
 * WAL with synchronous=NORMAL keeps every acknowledged write through a crash of the program (kill -9).
 * @throws {OperatorProblem} when the folder cannot be written or the file is newer than this program.
 */
export function openStateFile(file: string): DatabaseSync {
  let db: DatabaseSync;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    db = new DatabaseSync(file);
    chmodSync(file, 0o600);
  } catch (err) {
    const reason = (err as NodeJS.ErrnoException).code ?? (err as Error).message;
    throw new OperatorProblem(
      `the data folder ${path.dirname(file)} cannot be written (${reason}): make it writable for the user that runs Gatewright, or set DATA_DIR`,
    );
  }
  try {
    db.exec(`PRAGMA busy_timeout = ${LOCK_WAIT}`);
    enterWal(db, systemClock() + LOCK_WAIT);
    db.exec('PRAGMA synchronous = NORMAL');
    prepareSchema(db, file);
    return db;
  } catch (err) {
    db.close();
    if (err instanceof OperatorProblem || !DAMAGED.includes((err as { errcode?: number }).errcode ?? 0)) throw err;
    throw new OperatorProblem(
      `${file} is damaged (${(err as Error).message}): restore it from a backup, or delete it: then people sign in again, and revoked tokens, used assertions and blocks after wrong guesses are forgotten`,
      { cause: err },
    );
  }
}

/** The change to WAL, made once in a file's life, does not wait: processes that try it together are told "busy" at once. */
function enterWal(db: DatabaseSync, deadline: Milliseconds): void {
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (err) {
      if (DAMAGED.includes((err as { errcode?: number }).errcode ?? 0) || systemClock() > deadline) throw err;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Runs `work` in one write transaction; the lock is taken at once, so that two processes never deadlock. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (err) {
    db.exec('ROLLBACK');
    throw err;
  }
}

function prepareSchema(db: DatabaseSync, file: string): void {
  inTransaction(db, () => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > VERSION) {
      throw new OperatorProblem(`${file} was written by a newer Gatewright: run that version, or restore a backup`);
    }
    if (version === 0) db.exec(`${SCHEMA} PRAGMA user_version = ${VERSION};`);
  });
}
