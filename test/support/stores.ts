import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { openKeyring } from '../../src/lib/keyring.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { createArtifacts } from '../../src/store/artifacts.ts';
import { databaseFile, openStores, type StoreOptions, type Stores } from '../../src/store/open.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/prisma/sqlite-file.ts';
import { sqliteArtifactRows } from '../../src/store/sqlite/artifact-rows.ts';
import { sqliteAttempts } from '../../src/store/sqlite/attempts.ts';
import { sqliteProgress } from '../../src/store/sqlite/progress.ts';
import { openStateFile } from '../../src/store/sqlite/state-file.ts';
import { type TestClock, testClock } from './clock.ts';

export const ISSUER = 'https://id.example.org';
/** Longer than anything the tests keep. */
export const LONGEST = 90 * DAY;

/** A table of the relational database as its rows, in no particular order. */
export type Rows = Record<string, unknown>[];

/** Everything that keeps something, as the program opens it, and a view from below for the tests. */
export interface TestStores extends Stores {
  clock: TestClock;
  folders: StoreOptions['folders'];
  rows(table: string): Rows;
  /** Every row of every table, to be compared with a later one. */
  everything(): string;
  /** From now on each insert into this table fails, and its transaction with it. */
  refuseInserts(table: string): void;
}

/** Folders for one test, gone when it ends. */
export function testFolders(): StoreOptions['folders'] & { root: string } {
  const root = mkdtempSync(path.join(tmpdir(), 'gatewright-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return { root, data: path.join(root, 'data'), keys: path.join(root, 'keys') };
}

/** Closed when the test ends, which must be under way. */
export async function openTestStores({
  clock = testClock(),
  folders = testFolders(),
  issuer = ISSUER,
}: {
  clock?: TestClock;
  folders?: StoreOptions['folders'];
  issuer?: string;
} = {}): Promise<TestStores> {
  const stores = await openStores({ issuer, folders, longestLifetime: LONGEST, clock });
  onTestFinished(() => stores.close());
  const sql = (text: string) => onDatabase(folders, text);

  return {
    ...stores,
    clock,
    folders,
    rows: (table) => sql(`SELECT * FROM "${table}"`),
    everything() {
      const tables = sql(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`);
      return JSON.stringify(tables.map(({ name }) => [name, sql(`SELECT * FROM "${name}" ORDER BY 1, 2`)]));
    },
    refuseInserts(table) {
      const handle = openSqliteFile({ file: databaseFile(folders.data) });
      handle.exec(`CREATE TRIGGER refused BEFORE INSERT ON "${table}" BEGIN SELECT RAISE(ABORT, 'refused'); END`);
      closeSqliteFile(handle);
    },
  };
}

function onDatabase({ data }: StoreOptions['folders'], text: string): Rows {
  const handle = openSqliteFile({ file: databaseFile(data) });
  try {
    return (handle.prepare(text).all() as Rows).map(({ _metadata, ...row }) => row);
  } finally {
    closeSqliteFile(handle);
  }
}

/** The state file alone, for what needs no relational data; `db` is its connection. */
export function openTestState({ clock = testClock(), folders = testFolders() } = {}) {
  const db = openStateFile(path.join(folders.data, 'state.db'));
  onTestFinished(() => {
    if (db.isOpen) db.close();
  });
  const sealer = createSealer(openKeyring(folders.keys, { mayCreate: true }));
  return {
    clock,
    folders,
    db,
    artifacts: createArtifacts({ rows: sqliteArtifactRows(db), sealer, clock, markLifetime: toMilliseconds(LONGEST) }),
    attempts: sqliteAttempts(db),
    progress: <T>(kind: string) => sqliteProgress<T>({ db, sealer, clock }, kind),
  };
}

/** The answers of many callers at once. */
export function racers<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}
