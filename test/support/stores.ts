import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { openKeyring } from '../../src/lib/keyring.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { createArtifacts } from '../../src/store/artifacts.ts';
import { openStores, type StoreOptions, type Stores } from '../../src/store/open.ts';
import { createProgress } from '../../src/store/progress.ts';
import { sqliteArtifactRows } from '../../src/store/sqlite/artifact-rows.ts';
import { sqliteAttempts } from '../../src/store/sqlite/attempts.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { sqliteProgressRows } from '../../src/store/sqlite/progress-rows.ts';
import { openStateFile } from '../../src/store/sqlite/state-file.ts';
import { type TestClock, testClock } from './clock.ts';
import { newDatabase } from './databases.ts';
import { postgresqlTables, sqliteTables, type Tables } from './tables.ts';

export const ISSUER = 'https://id.example.org';
/** Longer than anything the tests keep. */
export const LONGEST = 90 * DAY;

/** Everything that keeps something, as the program opens it, and a view from below for the tests. */
export interface TestStores extends Stores, Tables {
  clock: TestClock;
  folders: StoreOptions['folders'];
}

/** Folders for one test, gone when it ends. */
export function testFolders(): StoreOptions['folders'] & { root: string } {
  const root = mkdtempSync(path.join(tmpdir(), 'gatewright-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return { root, data: path.join(root, 'data'), keys: path.join(root, 'keys') };
}

/**
 * Closed when the test ends, which must be under way.
 * @param url of a PostgreSQL database that is there already; without one, a test on PostgreSQL gets its own
 */
export async function openTestStores({
  engine = 'sqlite',
  url,
  clock = testClock(),
  folders = testFolders(),
  issuer = ISSUER,
}: {
  engine?: 'sqlite' | 'postgresql';
  url?: string;
  clock?: TestClock;
  folders?: StoreOptions['folders'];
  issuer?: string;
} = {}): Promise<TestStores> {
  const place = engine === 'sqlite' ? null : (url ?? (await ownDatabase()));
  const database = { url: place, pool: 10 };
  const stores = await openStores({ issuer, folders, database, redis: null, longestLifetime: LONGEST, clock });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stores.close();
    return closing;
  };
  onTestFinished(close);
  const tables = place === null ? sqliteTables(databaseFile(folders.data)) : postgresqlTables(place);
  return { ...stores, ...tables, clock, folders, close };
}

/** A migrated PostgreSQL database, gone when the test ends. */
export async function ownDatabase(): Promise<string> {
  const { url, drop } = await newDatabase({ migrated: true });
  onTestFinished(drop);
  return url;
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
    progress: <T>(kind: string) => createProgress<T>({ rows: sqliteProgressRows(db), sealer, clock }, kind),
  };
}

/** The answers of many callers at once. */
export function racers<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}
