import type { Pool } from 'pg';
import type { SessionAuthorization } from '../../oidc/artifact-store.ts';
import type { ArtifactRow, ArtifactRows, FoundArtifact, ListedArtifact, Subject } from '../artifact-rows.ts';
import { postgresqlEndings } from './endings.ts';
import { prepare } from './prepare.ts';

/**
 * What is written while its session or grant ends may be committed after the death mark was looked for and not found.
 * So the mark is asked for by every read as well: such a row is never seen, until it is swept.
 */
const ALIVE = 'NOT EXISTS (SELECT 1 FROM death WHERE subject = ANY (falls_with))';
const COLUMNS = `kind, id_hash AS "idHash", uid, grant_id AS "grantId", artifact.account_id AS "accountId",
  client_id AS "clientId", artifact.expires_at AS "expiresAt", consumed_at AS "consumedAt", sealed`;
const SESSION = `SELECT ${COLUMNS}, coalesce(session.born_at, artifact.born_at) AS "bornAt",
    authorizations_of_session(artifact.uid) AS authorizations
  FROM artifact LEFT JOIN session USING (uid)`;

export function postgresqlArtifactRows(pool: Pool): ArtifactRows {
  const sql = {
    upsert: prepare(pool, 'artifact.upsert', 'SELECT put_artifact($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'),
    insert: prepare(
      pool,
      'artifact.insert',
      `INSERT INTO artifact
         (kind, id_hash, uid, grant_id, account_id, client_id, born_at, expires_at, sealed, falls_with)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
       WHERE NOT EXISTS (SELECT 1 FROM death WHERE subject = ANY ($10))
       ON CONFLICT (kind, id_hash) DO NOTHING`,
    ),
    upsertSession: prepare(
      pool,
      'artifact.upsert_session',
      'SELECT put_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    ),
    find: prepare<Omit<FoundArtifact, 'authorizations'>>(
      pool,
      'artifact.find',
      `SELECT ${COLUMNS}, born_at AS "bornAt" FROM artifact WHERE kind = $1 AND id_hash = $2 AND ${ALIVE}`,
    ),
    findSession: prepare<FoundArtifact>(
      pool,
      'artifact.find_session',
      `${SESSION} WHERE kind = 'Session' AND id_hash = $1 AND ${ALIVE}`,
    ),
    findSessionByUid: prepare<FoundArtifact>(
      pool,
      'artifact.find_session_by_uid',
      `${SESSION} WHERE artifact.uid = $1 AND kind = 'Session' AND ${ALIVE} ORDER BY artifact.expires_at DESC LIMIT 1`,
    ),
    listOf: prepare<ListedArtifact>(
      pool,
      'artifact.list_of',
      `SELECT ${COLUMNS}, coalesce(session.born_at, artifact.born_at) AS "bornAt",
         coalesce(session.seen_at, artifact.born_at) AS "seenAt", authorizations_of_session(artifact.uid) AS authorizations
       FROM artifact LEFT JOIN session USING (uid)
       WHERE artifact.account_id = $1 AND kind = $2 AND artifact.expires_at > $3 AND ${ALIVE}
       ORDER BY "seenAt" DESC, id_hash`,
    ),
    consume: prepare(
      pool,
      'artifact.consume',
      `UPDATE artifact SET consumed_at = $3
       WHERE kind = $1 AND id_hash = $2 AND consumed_at IS NULL AND ${ALIVE}`,
    ),
    delete: prepare(pool, 'artifact.delete', 'DELETE FROM artifact WHERE kind = $1 AND id_hash = $2'),
    claimAuthorization: prepare<{ sid: string; grantId: string }>(
      pool,
      'artifact.claim_authorization',
      'SELECT claimed_sid AS sid, claimed_grant_id AS "grantId" FROM claim_authorization($1, $2, $3, $4, $5)',
    ),
    dropAuthorization: prepare(pool, 'artifact.drop_authorization', 'SELECT drop_authorization($1, $2)'),
    authorizationsOf: prepare<SessionAuthorization>(
      pool,
      'artifact.authorizations_of',
      `SELECT client_id AS "clientId", sid, grant_id AS "grantId", persists_logout AS "persistsLogout"
       FROM session JOIN session_authorization USING (uid) WHERE account_id = $1 AND born_at <= $2
       ORDER BY uid, client_id`,
    ),
    isMarked: prepare(pool, 'artifact.is_marked', 'SELECT 1 FROM death WHERE subject = $1'),
  };

  return {
    async upsert(row, fallsWith) {
      await sql.upsert(...valuesOf(row, fallsWith));
    },
    async insert(row, fallsWith) {
      return (await sql.insert(...valuesOf(row, fallsWith))).rowCount === 1;
    },
    async upsertSession({ kind: _, idHash, uid, ...row }, authorizations, fallsWith) {
      const { grantId, accountId, clientId, bornAt, expiresAt, sealed } = row;
      const columns = [idHash, uid, grantId, accountId, clientId, bornAt, expiresAt, sealed, fallsWith];
      await sql.upsertSession(...columns, JSON.stringify(authorizations));
    },
    async find(kind, idHash) {
      if (kind === 'Session') return (await sql.findSession(idHash)).rows[0] ?? null;
      const row = (await sql.find(kind, idHash)).rows[0];
      return row ? { ...row, authorizations: [] } : null;
    },
    findSessionByUid: async (uid) => (await sql.findSessionByUid(uid)).rows[0] ?? null,
    consume: async (kind, idHash, at) => (await sql.consume(kind, idHash, at)).rowCount === 1,
    async delete(kind, idHash) {
      await sql.delete(kind, idHash);
    },
    async claimAuthorization(uid, clientId, wanted, until) {
      const { rows } = await sql.claimAuthorization(uid, clientId, wanted.sid, wanted.grantId, until);
      return rows[0] ?? wanted;
    },
    async dropAuthorization(uid, clientId) {
      await sql.dropAuthorization(uid, clientId);
    },
    listOf: async (kind, accountId, now) => (await sql.listOf(accountId, kind, now)).rows,
    authorizationsOf: async (accountId, before) => (await sql.authorizationsOf(accountId, before)).rows,
    isMarked: async (subject) => (await sql.isMarked(subject)).rowCount === 1,
    ...postgresqlEndings(pool),
  };
}

function valuesOf(row: ArtifactRow, fallsWith: Subject[]) {
  const { kind, idHash, uid, grantId, accountId, clientId, bornAt, expiresAt, sealed } = row;
  return [kind, idHash, uid, grantId, accountId, clientId, bornAt, expiresAt, sealed, fallsWith];
}
