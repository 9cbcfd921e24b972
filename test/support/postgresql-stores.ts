import { setTimeout } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { onTestFinished } from 'vitest';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { openKeyring } from '../../src/lib/keyring.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import type { ArtifactStore } from '../../src/oidc/artifact-store.ts';
import { createArtifacts } from '../../src/store/artifacts.ts';
import { postgresqlArtifactRows } from '../../src/store/postgresql/artifact-rows.ts';
import { postgresqlAttempts } from '../../src/store/postgresql/attempts.ts';
import { postgresqlMarks } from '../../src/store/postgresql/marks.ts';
import { openPool } from '../../src/store/postgresql/pool.ts';
import { postgresqlProgressRows } from '../../src/store/postgresql/progress-rows.ts';
import { sweepBatch } from '../../src/store/postgresql/sweep.ts';
import { createProgress } from '../../src/store/progress.ts';
import { keys } from '../store/artifacts.contract.ts';
import { testClock } from './clock.ts';
import { newDatabase } from './databases.ts';
import { LONGEST, testFolders } from './stores.ts';

/** Enough that racers meet in the database, and do not queue before it. */
const CONNECTIONS = 24;

/** The protocol state alone, in a database of its own that is gone when the test ends; `pool` is its connections. */
export async function openPostgresqlState({ clock = testClock(), connections = CONNECTIONS, pristine = false } = {}) {
  const folders = testFolders();
  const { url, drop } = await newDatabase({ migrated: true, pristine });
  const pool = openPool({ url, size: connections });
  onTestFinished(async () => {
    await pool.end();
    await drop();
  });
  const sealer = createSealer(openKeyring(folders.keys, { mayCreate: true }));
  const artifactsOf = (pool: Pool) =>
    createArtifacts({ rows: postgresqlArtifactRows(pool), sealer, clock, markLifetime: toMilliseconds(LONGEST) });
  const query = async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
    (await pool.query(text, values)).rows;
  const later = () => clock() + toMilliseconds(HOUR);
  return {
    clock,
    later,
    folders,
    url,
    pool,
    artifacts: artifactsOf(pool),
    attempts: postgresqlAttempts(pool),
    marks: postgresqlMarks(pool),
    progress: <T>(kind: string) => createProgress<T>({ rows: postgresqlProgressRows(pool), sealer, clock }, kind),
    sweep: () => sweepBatch(pool, clock()),
    /** Straight from the tables. */
    query,
    count: async (table: string) => Number((await query(`SELECT count(*) FROM ${table}`))[0]?.['count']),
    /** Of one account at one client, until `later`; so is the session. */
    saveGrant: (store: ArtifactStore, grantId: string) =>
      store.put('Grant', grantId, {}, keys({ grantId, accountId: 'acc_ada', clientId: 'web' }), later()),
    saveSession: (store: ArtifactStore, id: string, authorizations = {}, uid = 'uid') =>
      store.put('Session', id, { authorizations }, keys({ uid, accountId: 'acc_ada' }), later()),
    /** A transaction of its own, for what begins before others and is committed after them. */
    async slowly(): Promise<{ artifacts: ArtifactStore; connection: PoolClient; commit(): Promise<void> }> {
      const connection = await pool.connect();
      await connection.query('BEGIN');
      return {
        // One connection answers what is asked of a pool just the same.
        artifacts: artifactsOf(connection as unknown as Pool),
        connection,
        async commit() {
          await connection.query('COMMIT');
          connection.release();
        },
      };
    },
    /** Resolves when a statement waits for another transaction to end. */
    async someoneWaits(): Promise<void> {
      for (let tries = 0; tries < 1_000; tries += 1) {
        const waiting = await query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        if (waiting.length > 0) return;
        await setTimeout(5);
      }
      throw new Error('nobody waits');
    },
  };
}
