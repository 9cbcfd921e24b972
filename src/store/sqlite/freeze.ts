import type { DatabaseSync } from 'node:sqlite';

/** Both SQLite libraries read like this. */
interface Readable {
  prepare(sql: string): { all(): unknown[] };
}

const VERBS = ['INSERT', 'UPDATE', 'DELETE'];

/**
 * From here on every write to the file fails with this sentence, also that of a process which had it open before: what
 * was copied elsewhere must not be spent a second time here.
 */
export function freeze(db: DatabaseSync, sentence: string): void {
  for (const table of tablesOf(db)) {
    for (const verb of VERBS) {
      db.exec(`CREATE TRIGGER IF NOT EXISTS "frozen_${table}_${verb}" BEFORE ${verb} ON "${table}"
        BEGIN SELECT RAISE(ABORT, '${sentence.replaceAll("'", "''")}'); END`);
    }
  }
}

export function thaw(db: DatabaseSync): void {
  for (const name of triggersOf(db)) db.exec(`DROP TRIGGER "${name}"`);
}

export function isFrozen(db: Readable): boolean {
  return triggersOf(db).length > 0;
}

function triggersOf(db: Readable): string[] {
  return namesOf(db, String.raw`type = 'trigger' AND name LIKE 'frozen\_%' ESCAPE '\'`);
}

function tablesOf(db: Readable): string[] {
  return namesOf(db, String.raw`type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`);
}

function namesOf(db: Readable, which: string): string[] {
  const rows = db.prepare(`SELECT name FROM sqlite_master WHERE ${which}`).all() as { name: string }[];
  return rows.map(({ name }) => name);
}
