import type { Pool, PoolClient } from 'pg';
import { OperatorProblem } from '../../lib/errors.ts';
import { onConnection } from './connection.ts';

const OLDEST_VERSION = 14;

interface Server {
  version: string;
  schema: string | null;
  isolation: string;
  readOnly: boolean;
}

/** @throws {OperatorProblem} where the server, the database or the user is not set up as this program needs it */
export async function checkServer(connection: PoolClient, name: string): Promise<void> {
  const { rows } = await connection.query<Server>(
    `SELECT current_setting('server_version') AS version, current_schema() AS schema,
       current_setting('default_transaction_isolation') AS isolation,
       current_setting('transaction_read_only') = 'on' AS "readOnly"`,
  );
  const shortcoming = rows[0] && shortcomingOf(rows[0]);
  if (shortcoming) throw new OperatorProblem(`The database ${name} ${shortcoming}.`);
}

/**
 * Whether the server that the address leads to by now is a standby, where whatever asks only to read would go on with old
 * answers. @throws where it does not answer
 */
export function isReadOnly(pool: Pool): Promise<boolean> {
  const look = async (connection: PoolClient) => {
    const { rows } = await connection.query<{ readOnly: boolean }>(
      `SELECT current_setting('transaction_read_only') = 'on' AS "readOnly" FROM "Installation"`,
    );
    return rows[0]?.readOnly === true;
  };
  // Where this connection is closed, the next may lead to the primary.
  return onConnection(pool, look, (found) => !found);
}

/** What the statements of this program rely on, and a server, database or user may be set up without. */
function shortcomingOf({ version, schema, isolation, readOnly }: Server): string | null {
  if (Number.parseInt(version, 10) < OLDEST_VERSION) {
    return `is kept by PostgreSQL ${version}; use PostgreSQL ${OLDEST_VERSION} or newer`;
  }
  if (readOnly) return 'is read-only; set DATABASE_URL to the primary server';
  if (schema !== 'public') {
    const where = schema === null ? 'has no schema for its tables' : `would get its tables in the schema ${schema}`;
    return `${where}; let its user use the schema public, and ALTER ROLE that user SET search_path = public`;
  }
  if (isolation !== 'read committed') {
    return `begins transactions as ${isolation}; ALTER DATABASE it SET default_transaction_isolation = 'read committed'`;
  }
  return null;
}
