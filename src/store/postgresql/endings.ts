import type { Pool } from 'pg';
import type { EndedSession } from '../../oidc/artifact-store.ts';
import type { ArtifactRows } from '../artifact-rows.ts';
import { prepare } from './prepare.ts';

type Endings = Pick<
  ArtifactRows,
  'retireSessionId' | 'endSession' | 'endSessionOf' | 'endGrant' | 'endAccount' | 'endClient' | 'mark'
>;

/** Rows deleted by one statement: more would hold it beyond the longest that a statement may take. */
const BATCH = 1_000;

/** How sessions and grants die, and stay dead. */
export function postgresqlEndings(pool: Pool): Endings {
  const sql = {
    mark: prepare(pool, 'endings.mark', 'SELECT mark_dead(ARRAY[$1], $2)'),
    markOnce: prepare(
      pool,
      'endings.mark_once',
      'INSERT INTO death (subject, expires_at) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING',
    ),
    retireSessionId: prepare(pool, 'endings.retire_session_id', 'SELECT retire_session_id($1, $2)'),
    endSession: prepare<EndedSession>(
      pool,
      'endings.end_session',
      'SELECT ended_account_id AS "accountId", ended_authorizations AS authorizations FROM end_session($1, $2)',
    ),
    endSessionOf: prepare<EndedSession>(
      pool,
      'endings.end_session_of',
      'SELECT ended_account_id AS "accountId", ended_authorizations AS authorizations FROM end_session_of($1, $2, $3)',
    ),
    endGrant: prepare(pool, 'endings.end_grant', 'SELECT end_grants(ARRAY[$1], $2)'),
    sessionsOf: prepare<{ uid: string }>(
      pool,
      'endings.sessions_of',
      'SELECT uid FROM session WHERE account_id = $1 AND born_at <= $2',
    ),
    endSessionOfAccount: prepare(
      pool,
      'endings.end_session_of_account',
      'SELECT end_session_of_account($1, $2, $3, $4)',
    ),
    endGrantsOfAccount: prepare<{ ended: number }>(
      pool,
      'endings.end_grants_of_account',
      'SELECT end_some_grants_of_account($1, $2, $3) AS ended',
    ),
    endGrantsOfClient: prepare<{ ended: number }>(
      pool,
      'endings.end_grants_of_client',
      'SELECT end_some_grants_of_client($1, $2, $3) AS ended',
    ),
    deleteByAccount: prepare<{ ended: number }>(pool, 'endings.delete_by_account', deleteSomeBy('account_id')),
    deleteByClient: prepare<{ ended: number }>(pool, 'endings.delete_by_client', deleteSomeBy('client_id')),
  };

  return {
    async retireSessionId(idHash, until) {
      await sql.retireSessionId(idHash, until);
    },
    endSession: async (idHash, until) => (await sql.endSession(idHash, until)).rows[0] ?? null,
    endSessionOf: async (accountId, uid, until) => (await sql.endSessionOf(accountId, uid, until)).rows[0] ?? null,
    async endGrant(grantId, until) {
      // Marked before what falls with it is deleted: of many at once, whoever marked it has ended it.
      const { rowCount } = await sql.markOnce(`grant:${grantId}`, until);
      await sql.endGrant(grantId, until);
      return rowCount === 1;
    },
    // A transaction for each session, not one for all: an account may have more than a server has room for locks.
    async endAccount(accountId, before, until) {
      const { rows } = await sql.sessionsOf(accountId, before);
      for (const { uid } of rows) await sql.endSessionOfAccount(uid, accountId, before, until);
      await untilNone(() => sql.endGrantsOfAccount(accountId, before, until));
      await untilNone(() => sql.deleteByAccount(accountId, before));
    },
    async endClient(clientId, before, until) {
      await untilNone(() => sql.endGrantsOfClient(clientId, before, until));
      await untilNone(() => sql.deleteByClient(clientId, before));
    },
    async mark(subject, until) {
      await sql.mark(subject, until);
    },
  };
}

/** Chosen first and then locked by key: in the order in which all others lock them too. */
function deleteSomeBy(column: 'account_id' | 'client_id'): string {
  return `WITH chosen AS MATERIALIZED (
      SELECT kind, id_hash FROM artifact WHERE ${column} = $1 AND born_at <= $2 LIMIT ${BATCH}
    ), held AS MATERIALIZED (
      SELECT kind, id_hash FROM artifact JOIN chosen USING (kind, id_hash) ORDER BY kind, id_hash FOR UPDATE OF artifact
    ), deleted AS (
      DELETE FROM artifact USING held WHERE artifact.kind = held.kind AND artifact.id_hash = held.id_hash
    )
    SELECT count(*) AS ended FROM chosen`;
}

/** Each batch takes away what it counts, so this ends. */
async function untilNone(batch: () => Promise<{ rows: { ended: number }[] }>): Promise<void> {
  while ((await batch()).rows[0]?.ended);
}
