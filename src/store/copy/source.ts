import type { Milliseconds } from '../../lib/duration.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { readMigrations, unapplied } from '../migrations.ts';
import { insertAuditEvent } from '../sqlite/audit-event.ts';
import {
  type BothFiles,
  type InstallationRow,
  lockBoth,
  openBothFiles,
  readHistory,
  readInstallation,
} from '../sqlite/both-files.ts';
import { databaseFile } from '../sqlite/engine.ts';
import { freeze } from '../sqlite/freeze.ts';
import { SQLITE_MIGRATIONS } from '../sqlite/migrate.ts';
import { withSubjects } from './artifact-subjects.ts';
import { type Table, tablesOf, type Value } from './tables.ts';

export interface SourceTable {
  table: Table;
  count: number;
  /** In the order of the key, one at a time. */
  rows(): Iterable<Value[]>;
}

/** An embedded installation that is to be left. From its opening on nobody else writes to it. */
export interface Source {
  installation: InstallationRow;
  tables: SourceTable[];
  /** First: what is spent meanwhile would be spent a second time at the other side. */
  freezeState(): void;
  /** Then: a start is refused from here on. */
  leave(): void;
  close(): void;
}

/** @param to the name of the place that it is left for @throws {OperatorProblem} */
export function openSource(
  { folder, to, at }: { folder: string; to: string; at: Milliseconds },
  sealerFor: (known: InstallationRow) => Sealer,
): Source {
  const files = openBothFiles(folder);
  try {
    const installation = lockAndRead(files, folder);
    const sealer = sealerFor(installation);
    const isLeft = installation.standing === 'left';
    // Copied with the rest. Where the move is not finished, it was never written.
    if (!isLeft) insertAuditEvent(files.database, { event: 'installation.left', to }, at);
    return {
      installation,
      tables: [files.database, files.state].flatMap((db) =>
        tablesOf(db).map((table) => sourceTable(db, table, sealer)),
      ),
      freezeState() {
        freeze(files.state, `this installation was moved to ${to}`);
        files.state.exec('COMMIT');
      },
      leave() {
        files.database.prepare("UPDATE Installation SET standing = 'left', leftFor = ?").run(to);
        freeze(files.database, `this installation was moved to ${to}`);
        files.database.exec('COMMIT');
      },
      close: () => files.close(),
    };
  } catch (err) {
    files.close();
    throw err;
  }
}

function lockAndRead(files: BothFiles, folder: string): InstallationRow {
  lockBoth(files, folder);
  const installation = readInstallation(files.database);
  if (!installation)
    throw new OperatorProblem(`there is no installation in ${folder} yet: start the server there once`);
  const todo = unapplied(readMigrations(SQLITE_MIGRATIONS), readHistory(files.database), databaseFile(folder));
  if (todo.length > 0) throw new OperatorProblem('the database is not up to date: run npx gatewright migrate first');
  return installation;
}

function sourceTable(db: BothFiles['database'], plain: Table, sealer: Sealer): SourceTable {
  const { table, complete } = withSubjects(plain, sealer);
  const list = (columns: Table['columns']) => columns.map(({ name }) => `"${name}"`).join(', ');
  const all = db.prepare(`SELECT ${list(plain.columns)} FROM "${plain.name}" ORDER BY ${list(plain.key)}`);
  all.setReturnArrays(true);
  return {
    table,
    count: Number(db.prepare(`SELECT count(*) AS count FROM "${plain.name}"`).get()?.['count']),
    *rows() {
      for (const row of all.iterate()) yield complete(row as unknown as Value[]);
    },
  };
}
