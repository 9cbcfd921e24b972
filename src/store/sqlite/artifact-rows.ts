import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';
import type { ArtifactKind, EndedSession, SessionAuthorization } from '../../oidc/artifact-store.ts';
import type { ArtifactRow, ArtifactRows, FoundArtifact } from '../artifact-rows.ts';
import { inTransaction } from './state-file.ts';

type Row = Record<string, SQLOutputValue>;

const ALIVE = 'NOT EXISTS (SELECT 1 FROM death WHERE subject IN (SELECT value FROM json_each(:fallsWith)))';
const COLUMNS = 'kind, id_hash, uid, grant_id, account_id, client_id, born_at, expires_at, sealed';
const VALUES = ':kind, :idHash, :uid, :grantId, :accountId, :clientId, :bornAt, :expiresAt, :sealed';

export function sqliteArtifactRows(db: DatabaseSync): ArtifactRows {
  const sql = {
    // born_at is what a first write said: what is older than its account's or client's not_before is refused.
    upsert: db.prepare(`INSERT INTO artifact (${COLUMNS}) SELECT ${VALUES} WHERE ${ALIVE}
      ON CONFLICT (kind, id_hash) DO UPDATE SET uid = excluded.uid, grant_id = excluded.grant_id,
        account_id = excluded.account_id, client_id = excluded.client_id, expires_at = excluded.expires_at,
        sealed = excluded.sealed`),
    insert: db.prepare(`INSERT INTO artifact (${COLUMNS}) SELECT ${VALUES} WHERE ${ALIVE}
      ON CONFLICT (kind, id_hash) DO NOTHING`),
    // A session is as old as the sign-in of the account it carries, whatever id it goes by.
    indexSession: db.prepare(`INSERT INTO session (uid, account_id, born_at, seen_at, expires_at)
      VALUES (:uid, :accountId, :now, :now, :expiresAt)
      ON CONFLICT (uid) DO UPDATE SET seen_at = excluded.seen_at, expires_at = excluded.expires_at,
        born_at = CASE WHEN account_id IS excluded.account_id THEN born_at ELSE excluded.born_at END,
        account_id = excluded.account_id`),
    // Never replaces the grant or sid: another request may have claimed newer ones since this one loaded the session.
    // What it knew of an older grant says nothing about the one that stands.
    addAuthorization: db.prepare(`INSERT INTO session_authorization (uid, client_id, sid, grant_id, persists_logout)
      VALUES (:uid, :clientId, :sid, :grantId, :persistsLogout)
      ON CONFLICT (uid, client_id) DO UPDATE SET
        sid = coalesce(sid, excluded.sid), grant_id = coalesce(grant_id, excluded.grant_id),
        persists_logout = CASE WHEN coalesce(grant_id, excluded.grant_id) IS excluded.grant_id
          THEN max(persists_logout, excluded.persists_logout) ELSE persists_logout END`),
    claim: db.prepare(`INSERT INTO session_authorization (uid, client_id, sid, grant_id, persists_logout)
      VALUES (:uid, :clientId, :sid, :grantId, 0)
      ON CONFLICT (uid, client_id) DO UPDATE SET sid = coalesce(sid, excluded.sid), grant_id = excluded.grant_id,
        persists_logout = 0
      WHERE grant_id IS NULL OR EXISTS (SELECT 1 FROM death WHERE subject = 'grant:' || grant_id)
        OR NOT EXISTS (SELECT 1 FROM artifact WHERE kind = 'Grant' AND artifact.grant_id = session_authorization.grant_id)`),
    // Saved or not, the session has a row, by whose expiry the claim is found again and swept.
    expectSession: db.prepare(`INSERT INTO session (uid, born_at, seen_at, expires_at) VALUES (?, 0, 0, ?)
      ON CONFLICT (uid) DO NOTHING`),
    claimed: db.prepare('SELECT sid, grant_id FROM session_authorization WHERE uid = ? AND client_id = ?'),
    find: db.prepare('SELECT * FROM artifact WHERE kind = ? AND id_hash = ?'),
    findByUid: db.prepare("SELECT * FROM artifact WHERE uid = ? AND kind = 'Session' ORDER BY expires_at DESC LIMIT 1"),
    listOf: db.prepare(`SELECT artifact.*, coalesce(session.seen_at, artifact.born_at) AS seen_at
      FROM artifact LEFT JOIN session USING (uid)
      WHERE artifact.account_id = ? AND kind = ? AND artifact.expires_at > ? ORDER BY seen_at DESC, id_hash`),
    session: db.prepare('SELECT account_id, born_at FROM session WHERE uid = ?'),
    authorizations: db.prepare('SELECT * FROM session_authorization WHERE uid = ?'),
    consume: db.prepare('UPDATE artifact SET consumed_at = ? WHERE kind = ? AND id_hash = ? AND consumed_at IS NULL'),
    delete: db.prepare('DELETE FROM artifact WHERE kind = ? AND id_hash = ?'),
    mark: db.prepare(`INSERT INTO death (subject, expires_at) VALUES (?, ?)
      ON CONFLICT (subject) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)`),
    isMarked: db.prepare('SELECT 1 FROM death WHERE subject = ?'),
    uidOf: db.prepare("SELECT uid FROM artifact WHERE kind = 'Session' AND id_hash = ?"),
    deleteSessionArtifacts: db.prepare("DELETE FROM artifact WHERE uid = ? AND kind = 'Session'"),
    deleteSession: db.prepare('DELETE FROM session WHERE uid = ?'),
    deleteAuthorizations: db.prepare('DELETE FROM session_authorization WHERE uid = ?'),
    dropAuthorization: db.prepare('DELETE FROM session_authorization WHERE uid = ? AND client_id = ?'),
    deleteByGrant: db.prepare('DELETE FROM artifact WHERE grant_id = ?'),
    sessionsOf: db.prepare('SELECT uid FROM session WHERE account_id = ? AND born_at <= ?'),
    grantsOf: db.prepare("SELECT grant_id FROM artifact WHERE account_id = ? AND kind = 'Grant' AND born_at <= ?"),
    deleteByAccount: db.prepare('DELETE FROM artifact WHERE account_id = ? AND born_at <= ?'),
    deleteByClient: db.prepare('DELETE FROM artifact WHERE client_id = ? AND born_at <= ?'),
    grantsOfClient: db.prepare("SELECT grant_id FROM artifact WHERE client_id = ? AND kind = 'Grant' AND born_at <= ?"),
    deleteAuthorizationsByGrant: db.prepare('DELETE FROM session_authorization WHERE client_id = ? AND grant_id = ?'),
  };

  function parameters(row: ArtifactRow, fallsWith: string[]) {
    const { kind, idHash, uid, grantId, accountId, clientId, bornAt, expiresAt, sealed } = row;
    return {
      ...{ kind, idHash, uid, grantId, accountId, clientId, bornAt, expiresAt, sealed },
      fallsWith: JSON.stringify(fallsWith),
    };
  }

  function authorizationsOf(uid: string): SessionAuthorization[] {
    return sql.authorizations.all(uid).map((row) => ({
      clientId: String(row['client_id']),
      sid: text(row['sid']),
      grantId: text(row['grant_id']),
      persistsLogout: row['persists_logout'] === 1,
    }));
  }

  function found(row: Row | undefined): FoundArtifact | null {
    if (!row) return null;
    const artifact: FoundArtifact = {
      kind: row['kind'] as ArtifactKind,
      idHash: String(row['id_hash']),
      uid: text(row['uid']),
      grantId: text(row['grant_id']),
      accountId: text(row['account_id']),
      clientId: text(row['client_id']),
      bornAt: Number(row['born_at']),
      expiresAt: Number(row['expires_at']),
      consumedAt: row['consumed_at'] === null ? null : Number(row['consumed_at']),
      sealed: row['sealed'] as Uint8Array,
      authorizations: [],
    };
    if (artifact.kind === 'Session' && artifact.uid) {
      artifact.bornAt = Number(sql.session.get(artifact.uid)?.['born_at'] ?? artifact.bornAt);
      artifact.authorizations = authorizationsOf(artifact.uid);
    }
    return artifact;
  }

  function endGrant(grantId: string, until: Milliseconds): void {
    sql.mark.run(`grant:${grantId}`, until);
    sql.deleteByGrant.run(grantId);
  }

  /** Back-Channel Logout 1.0 2.7: what was issued without offline_access falls with the session. */
  function endSession(uid: string, until: Milliseconds): EndedSession {
    const ended = { accountId: text(sql.session.get(uid)?.['account_id']), authorizations: authorizationsOf(uid) };
    sql.mark.run(`session:${uid}`, until);
    for (const { grantId, persistsLogout } of ended.authorizations) {
      if (grantId && !persistsLogout) endGrant(grantId, until);
    }
    sql.deleteSessionArtifacts.run(uid);
    sql.deleteSession.run(uid);
    sql.deleteAuthorizations.run(uid);
    return ended;
  }

  return {
    async upsert(row, fallsWith) {
      sql.upsert.run(parameters(row, fallsWith));
    },
    async insert(row, fallsWith) {
      return sql.insert.run(parameters(row, fallsWith)).changes === 1;
    },
    async upsertSession(row, authorizations, fallsWith) {
      const { uid, accountId, expiresAt } = row;
      inTransaction(db, () => {
        if (sql.upsert.run(parameters(row, fallsWith)).changes === 0) return;
        sql.indexSession.run({ uid, accountId, now: row.bornAt, expiresAt });
        for (const { clientId, sid, grantId, persistsLogout } of authorizations) {
          sql.addAuthorization.run({ uid, clientId, sid, grantId, persistsLogout: persistsLogout ? 1 : 0 });
        }
      });
    },
    find: async (kind, idHash) => found(sql.find.get(kind, idHash)),
    findSessionByUid: async (uid) => found(sql.findByUid.get(uid)),
    consume: async (kind, idHash, at) => sql.consume.run(at, kind, idHash).changes === 1,
    async delete(kind, idHash) {
      sql.delete.run(kind, idHash);
    },
    async claimAuthorization(uid, clientId, wanted, until) {
      return inTransaction(db, () => {
        // A request that had loaded the session before it ended gets nothing out of it any more.
        if (sql.isMarked.get(`session:${uid}`)) {
          endGrant(wanted.grantId, until);
          return wanted;
        }
        sql.expectSession.run(uid, until);
        sql.claim.run({ uid, clientId, ...wanted });
        const row = sql.claimed.get(uid, clientId);
        return { sid: String(row?.['sid']), grantId: String(row?.['grant_id']) };
      });
    },
    async dropAuthorization(uid, clientId) {
      sql.dropAuthorization.run(uid, clientId);
    },
    async retireSessionId(idHash, until) {
      inTransaction(db, () => {
        sql.mark.run(`session-id:${idHash}`, until);
        sql.delete.run('Session', idHash);
      });
    },
    async endSession(idHash, until) {
      return inTransaction(db, () => {
        const uid = text(sql.uidOf.get(idHash)?.['uid']);
        sql.mark.run(`session-id:${idHash}`, until);
        return uid ? endSession(uid, until) : null;
      });
    },
    async listOf(kind, accountId, now) {
      return sql.listOf.all(accountId, kind, now).flatMap((row) => {
        const artifact = found(row);
        return artifact ? [{ ...artifact, seenAt: Number(row['seen_at']) }] : [];
      });
    },
    async endSessionOf(accountId, uid, until) {
      return inTransaction(db, () => {
        const isTheirs = sql.session.get(uid)?.['account_id'] === accountId;
        return isTheirs ? endSession(uid, until) : null;
      });
    },
    async endGrant(grantId, until) {
      return inTransaction(db, () => {
        const isFirst = !sql.isMarked.get(`grant:${grantId}`);
        endGrant(grantId, until);
        return isFirst;
      });
    },
    async authorizationsOf(accountId, before) {
      return sql.sessionsOf.all(accountId, before).flatMap((row) => authorizationsOf(String(row['uid'])));
    },
    async endAccount(accountId, before, until) {
      inTransaction(db, () => {
        const ended = sql.sessionsOf.all(accountId, before).map((row) => endSession(String(row['uid']), until));
        // Also the grants that outlive a logout, and those that such a session was given after `before`.
        for (const { grantId } of ended.flatMap(({ authorizations }) => authorizations)) {
          if (grantId) endGrant(grantId, until);
        }
        for (const row of sql.grantsOf.all(accountId, before)) endGrant(String(row['grant_id']), until);
        sql.deleteByAccount.run(accountId, before);
      });
    },
    async endClient(clientId, before, until) {
      inTransaction(db, () => {
        for (const row of sql.grantsOfClient.all(clientId, before)) {
          const grantId = String(row['grant_id']);
          endGrant(grantId, until);
          sql.deleteAuthorizationsByGrant.run(clientId, grantId);
        }
        sql.deleteByClient.run(clientId, before);
      });
    },
    async mark(subject, until) {
      sql.mark.run(subject, until);
    },
    async isMarked(subject) {
      return sql.isMarked.get(subject) !== undefined;
    },
  };
}

function text(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
