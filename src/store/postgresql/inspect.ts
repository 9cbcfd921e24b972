import type { Milliseconds } from '../../lib/duration.ts';
import { nameOf, openPool } from './pool.ts';
import { explainDatabaseError } from './problem.ts';

/** What an operator wants to know of the server that keeps the database. */
export interface PostgresqlState {
  version: string;
  now: Milliseconds;
  /** A standby, which nothing can be written to. */
  standby: boolean;
  /** The connection is encrypted. */
  encrypted: boolean;
  /** Connections for everybody who is no superuser, and those that other programs hold of them. */
  connections: number;
  others: number;
  /** Those of the settings that keep what was committed through a crash, and are off. */
  unsafe: string[];
  /** When the newest event of the audit trail was written; null: there is none yet. */
  newest: Milliseconds | null;
}

const STATE = `SELECT current_setting('server_version') AS version,
  extract(epoch FROM clock_timestamp()) * 1000 AS now,
  pg_is_in_recovery() AS standby,
  (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections,
  (SELECT sum(numbackends) FROM pg_stat_database)
    - (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatewright') AS others,
  array(SELECT name FROM unnest(ARRAY['fsync', 'synchronous_commit', 'full_page_writes']) name
    WHERE current_setting(name) = 'off') AS unsafe`;

const NEWEST = 'SELECT extract(epoch FROM max(at)) * 1000 AS newest FROM "AuditEvent"';

/** @throws {OperatorProblem} where it cannot be reached */
export async function inspectPostgresql(url: string): Promise<PostgresqlState> {
  const pool = openPool({ url, size: 1 });
  try {
    const [state] = (await pool.query(STATE)).rows;
    const { rows } = await pool.query(`SELECT to_regclass('"AuditEvent"') IS NOT NULL AS made`);
    const [{ newest }] = rows[0]?.made ? (await pool.query(NEWEST)).rows : [{ newest: null }];
    return {
      ...{ version: state.version, standby: state.standby, encrypted: state.encrypted, unsafe: state.unsafe },
      ...{ now: Number(state.now), connections: Number(state.connections), others: Number(state.others) },
      newest: newest === null ? null : Number(newest),
    };
  } catch (err) {
    throw explainDatabaseError(err, nameOf(url));
  } finally {
    await pool.end();
  }
}
