import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import type { Engine } from '../engine.ts';
import { openSqliteDatabase } from '../prisma/sqlite-database.ts';
import { checkStanding, type InstallationStanding, UNFINISHED_MOVE } from '../standing.ts';
import { sqliteArtifactRows } from './artifact-rows.ts';
import { sqliteAttempts } from './attempts.ts';
import { isFrozen } from './freeze.ts';
import { migrate } from './migrate.ts';
import { sqliteProgressRows } from './progress-rows.ts';
import { memoryRates } from './rates.ts';
import { sqliteRegistry } from './registry.ts';
import { sqliteSealedArtifacts } from './sealed-artifacts.ts';
import { closeSqliteFile, openSqliteFile } from './sqlite-file.ts';
import { openStateFile } from './state-file.ts';
import { sweepBatch } from './sweep.ts';

export function databaseFile(folder: string): string {
  return path.join(folder, 'gatewright.db');
}

export function stateFile(folder: string): string {
  return path.join(folder, 'state.db');
}

/** Two files in one folder: what is precious, and what expires. @throws {OperatorProblem} */
export function openSqliteEngine({ folder, clock }: { folder: string; clock: Clock }): Engine {
  const file = databaseFile(folder);
  const state = openStateFile(stateFile(folder));
  let migrated: string[];
  try {
    refuseFrozen(state, file);
    migrated = migrate({ file, clock });
  } catch (err) {
    state.close();
    throw err;
  }
  const database = openSqliteDatabase({ file });
  const reads = openSqliteFile({ file });

  return {
    migrated,
    clock,
    database,
    registry: sqliteRegistry({ handle: reads, clock }),
    artifactRows: sqliteArtifactRows(state),
    sealedArtifacts: sqliteSealedArtifacts(state),
    progressRows: sqliteProgressRows(state),
    attempts: sqliteAttempts(state),
    rates: memoryRates(),
    sweep: async (before) => sweepBatch(state, before),
    // The processes that share the files are few, and what they do twice is only done twice.
    alone: (_name, work) => work(),
    async check() {
      // Also for a process that had both files open when they were left.
      checkStanding(await database.prisma.installation.findUniqueOrThrow({ where: { id: 1 } }));
      state.prepare('SELECT 1').get();
      return 'ok';
    },
    async close() {
      await database.close();
      closeSqliteFile(reads);
      if (state.isOpen) state.close();
    },
  };
}

/** Before anything is migrated: the installation may be on its way elsewhere. */
function refuseFrozen(state: DatabaseSync, file: string): void {
  if (!isFrozen(state)) return;
  const handle = openSqliteFile({ file });
  try {
    const installation = handle.prepare('SELECT standing, leftFor FROM Installation').get();
    checkStanding(installation as InstallationStanding);
  } finally {
    closeSqliteFile(handle);
  }
  throw new OperatorProblem(UNFINISHED_MOVE);
}
