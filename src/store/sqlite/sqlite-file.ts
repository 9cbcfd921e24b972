import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Libsql from 'libsql';
import { systemClock } from '../../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../lib/duration.ts';

export type SqliteHandle = Libsql.Database;

/** How long a statement waits for another process's write. The wait blocks this process too. */
const LOCK_WAIT: Seconds = 5;

/** Opens a database file, making it (0600) and its folder (0700) where absent. */
export function openSqliteFile({ file, lockWait = LOCK_WAIT }: { file: string; lockWait?: Seconds }): SqliteHandle {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  createPrivate(file);
  const handle = new Libsql(file);
  try {
    handle.pragma(`busy_timeout = ${toMilliseconds(lockWait)}`);
    enterWal(handle, systemClock() + toMilliseconds(lockWait));
    // NORMAL survives a killed process too, but may forget the last commits when the power fails. Here they are password
    // changes, revocations and spent codes, few enough to pay for an fsync each.
    handle.pragma('synchronous = FULL');
    handle.pragma('foreign_keys = ON');
  } catch (error) {
    handle.close();
    throw error;
  }
  return handle;
}

/** The change to WAL, made once in a file's life, does not wait: processes that try it together are told "busy" at once. */
function enterWal(handle: SqliteHandle, deadline: Milliseconds): void {
  for (;;) {
    try {
      handle.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      const busy = error instanceof Libsql.SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!busy || systemClock() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Closes it with all data in the file itself, as far as other processes allow, so that a copy of that file is complete. */
export function closeSqliteFile(handle: SqliteHandle): void {
  if (!handle.open) return;
  if (handle.inTransaction) handle.exec('ROLLBACK');
  // SQLite would do this on closing, but libsql truly closes only when the last prepared statement is collected.
  handle.pragma('wal_checkpoint(PASSIVE)');
  handle.close();
}

/** SQLite gives a file's mode to its -wal and -shm files too. */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    // A file that is there is never opened here: closing any descriptor of it would drop the POSIX locks
    // that this process may hold on it through another connection.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
