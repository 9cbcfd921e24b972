-- Protocol state: what is hot, short-lived and reached by prepared statements, never through Prisma. All times are
-- milliseconds since 1970. Searched by: uid, grant_id, account_id, client_id; all else is hashed or sealed.

CREATE TABLE artifact (
  kind text NOT NULL, id_hash text NOT NULL,
  uid text, grant_id text, account_id text, client_id text,
  born_at bigint NOT NULL, expires_at bigint NOT NULL, consumed_at bigint,
  -- The subjects of the death marks under which this row counts as gone.
  falls_with text[] NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (kind, id_hash)
);
-- Nothing sealed can be compressed.
ALTER TABLE artifact ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX artifact_uid ON artifact (uid) WHERE uid IS NOT NULL;
CREATE INDEX artifact_grant ON artifact (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX artifact_account ON artifact (account_id, kind) WHERE account_id IS NOT NULL;
CREATE INDEX artifact_client ON artifact (client_id, kind) WHERE client_id IS NOT NULL;
CREATE INDEX artifact_expiry ON artifact (expires_at);

CREATE TABLE session (
  uid text PRIMARY KEY, account_id text, born_at bigint NOT NULL, seen_at bigint NOT NULL, expires_at bigint NOT NULL
);
CREATE INDEX session_account ON session (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE session_authorization (
  uid text NOT NULL, client_id text NOT NULL, sid text, grant_id text, persists_logout boolean NOT NULL,
  PRIMARY KEY (uid, client_id)
);
CREATE INDEX session_authorization_client ON session_authorization (client_id, grant_id);

CREATE TABLE death (subject text PRIMARY KEY, expires_at bigint NOT NULL);
CREATE INDEX death_expiry ON death (expires_at);

CREATE TABLE attempt (
  subject text PRIMARY KEY, count bigint NOT NULL, consecutive bigint NOT NULL, strikes bigint NOT NULL,
  window_ends_at bigint NOT NULL, blocked_until bigint NOT NULL, expires_at bigint NOT NULL
);
CREATE INDEX attempt_expiry ON attempt (expires_at);

CREATE TABLE progress (
  id_hash text PRIMARY KEY, version bigint NOT NULL, expires_at bigint NOT NULL, sealed bytea NOT NULL
);
CREATE INDEX progress_expiry ON progress (expires_at);

-- The functions below are verbs of several statements, each in one round trip. They are VOLATILE in READ COMMITTED:
-- each statement within sees what was committed before it began, so what follows a lock sees what the holder before
-- has done.
--
-- Instances of the version before go on calling these while an upgrade rolls on: what changes meaning or parameters
-- becomes a new function with a new name in a later migration, and the old one is dropped a version after that.
--
-- Locks are always taken in this order, so that no two verbs wait for each other: the lock of a session's id, of its
-- uid (never of two), death marks of grants by name, artifacts by key, authorizations by client and uid.

CREATE FUNCTION lock_session_id(p_id_hash text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('session-id:' || p_id_hash, 0));
$$;

CREATE FUNCTION lock_session(p_uid text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('session:' || p_uid, 0));
$$;

CREATE FUNCTION is_dead(p_subjects text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM death WHERE subject = ANY (p_subjects));
END $$;

CREATE FUNCTION mark_dead(p_subjects text[], p_until bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO death (subject, expires_at)
  SELECT DISTINCT subject, p_until FROM unnest(p_subjects) AS named (subject) ORDER BY subject
  ON CONFLICT (subject) DO UPDATE SET expires_at = excluded.expires_at WHERE death.expires_at < excluded.expires_at;
END $$;

-- What falls with grants, and with a session where p_uid names one: in one statement, for the order of its locks.
CREATE FUNCTION delete_fallen(p_grants text[], p_uid text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH fallen AS MATERIALIZED (
    SELECT kind, id_hash FROM artifact WHERE grant_id = ANY (p_grants) OR (uid = p_uid AND kind = 'Session')
    ORDER BY kind, id_hash FOR UPDATE
  )
  DELETE FROM artifact USING fallen WHERE artifact.kind = fallen.kind AND artifact.id_hash = fallen.id_hash;
END $$;

CREATE FUNCTION end_grants(p_grants text[], p_until bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM mark_dead(ARRAY(SELECT 'grant:' || grant_id FROM unnest(p_grants) AS named (grant_id)), p_until);
  PERFORM delete_fallen(p_grants, NULL);
END $$;

-- False where what it falls with is dead: nothing was written.
CREATE FUNCTION put_artifact(
  p_kind text, p_id_hash text, p_uid text, p_grant_id text, p_account_id text, p_client_id text,
  p_born_at bigint, p_expires_at bigint, p_sealed bytea, p_falls_with text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF is_dead(p_falls_with) THEN RETURN false; END IF;
  -- born_at is what a first write said: what is older than its account's or client's not_before is refused.
  INSERT INTO artifact (kind, id_hash, uid, grant_id, account_id, client_id, born_at, expires_at, sealed, falls_with)
  VALUES (p_kind, p_id_hash, p_uid, p_grant_id, p_account_id, p_client_id, p_born_at, p_expires_at, p_sealed, p_falls_with)
  ON CONFLICT (kind, id_hash) DO UPDATE SET uid = excluded.uid, grant_id = excluded.grant_id,
    account_id = excluded.account_id, client_id = excluded.client_id, expires_at = excluded.expires_at,
    sealed = excluded.sealed, falls_with = excluded.falls_with;
  RETURN true;
END $$;

-- p_authorizations: [{"clientId", "sid", "grantId", "persistsLogout"}]
CREATE FUNCTION put_session(
  p_id_hash text, p_uid text, p_grant_id text, p_account_id text, p_client_id text,
  p_born_at bigint, p_expires_at bigint, p_sealed bytea, p_falls_with text[], p_authorizations jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session_id(p_id_hash);
  PERFORM lock_session(p_uid);
  IF NOT put_artifact('Session', p_id_hash, p_uid, p_grant_id, p_account_id, p_client_id, p_born_at, p_expires_at,
    p_sealed, p_falls_with) THEN RETURN; END IF;
  -- A session is as old as the sign-in of the account it carries, whatever id it goes by.
  INSERT INTO session AS known (uid, account_id, born_at, seen_at, expires_at)
  VALUES (p_uid, p_account_id, p_born_at, p_born_at, p_expires_at)
  ON CONFLICT (uid) DO UPDATE SET seen_at = excluded.seen_at, expires_at = excluded.expires_at,
    born_at = CASE WHEN known.account_id IS NOT DISTINCT FROM excluded.account_id THEN known.born_at
      ELSE excluded.born_at END,
    account_id = excluded.account_id;
  -- Never replaces the grant or sid: another request may have claimed newer ones since this one loaded the session.
  -- What it knew of an older grant says nothing about the one that stands.
  INSERT INTO session_authorization AS known (uid, client_id, sid, grant_id, persists_logout)
  SELECT p_uid, added."clientId", added.sid, added."grantId", added."persistsLogout"
  FROM jsonb_to_recordset(p_authorizations)
    AS added ("clientId" text, sid text, "grantId" text, "persistsLogout" boolean)
  ORDER BY added."clientId"
  ON CONFLICT (uid, client_id) DO UPDATE SET
    sid = coalesce(known.sid, excluded.sid), grant_id = coalesce(known.grant_id, excluded.grant_id),
    persists_logout = CASE WHEN coalesce(known.grant_id, excluded.grant_id) IS NOT DISTINCT FROM excluded.grant_id
      THEN known.persists_logout OR excluded.persists_logout ELSE known.persists_logout END;
END $$;

CREATE FUNCTION claim_authorization(p_uid text, p_client_id text, p_sid text, p_grant_id text, p_until bigint)
RETURNS TABLE (claimed_sid text, claimed_grant_id text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session(p_uid);
  -- A request that had loaded the session before it ended gets nothing out of it any more.
  IF is_dead(ARRAY['session:' || p_uid]) THEN
    PERFORM end_grants(ARRAY[p_grant_id], p_until);
    RETURN QUERY SELECT p_sid, p_grant_id;
    RETURN;
  END IF;
  -- Saved or not, the session has a row, by whose expiry the claim is found again and swept.
  INSERT INTO session (uid, born_at, seen_at, expires_at) VALUES (p_uid, 0, 0, p_until) ON CONFLICT (uid) DO NOTHING;
  INSERT INTO session_authorization AS known (uid, client_id, sid, grant_id, persists_logout)
  VALUES (p_uid, p_client_id, p_sid, p_grant_id, false)
  ON CONFLICT (uid, client_id) DO UPDATE SET sid = coalesce(known.sid, excluded.sid), grant_id = excluded.grant_id,
    persists_logout = false
  WHERE known.grant_id IS NULL OR EXISTS (SELECT 1 FROM death WHERE subject = 'grant:' || known.grant_id)
    OR NOT EXISTS (SELECT 1 FROM artifact WHERE artifact.grant_id = known.grant_id AND kind = 'Grant');
  RETURN QUERY SELECT sid, grant_id FROM session_authorization WHERE uid = p_uid AND client_id = p_client_id;
END $$;

CREATE FUNCTION drop_authorization(p_uid text, p_client_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session(p_uid);
  DELETE FROM session_authorization WHERE uid = p_uid AND client_id = p_client_id;
END $$;

CREATE FUNCTION retire_session_id(p_id_hash text, p_until bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session_id(p_id_hash);
  PERFORM mark_dead(ARRAY['session-id:' || p_id_hash], p_until);
  DELETE FROM artifact WHERE kind = 'Session' AND id_hash = p_id_hash;
END $$;

CREATE FUNCTION authorizations_of_session(p_uid text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('clientId', client_id, 'sid', sid, 'grantId', grant_id,
    'persistsLogout', persists_logout) ORDER BY client_id), '[]')
  FROM session_authorization WHERE uid = p_uid;
$$;

CREATE FUNCTION delete_authorizations(p_uids text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  deleted bigint;
BEGIN
  WITH fallen AS MATERIALIZED (
    SELECT uid, client_id FROM session_authorization WHERE uid = ANY (p_uids) ORDER BY client_id, uid FOR UPDATE
  )
  DELETE FROM session_authorization AS known USING fallen
  WHERE known.uid = fallen.uid AND known.client_id = fallen.client_id;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN deleted;
END $$;

-- The caller holds the session's lock.
CREATE FUNCTION delete_session(p_uid text, p_grants text[], p_until bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM mark_dead(ARRAY(SELECT 'grant:' || grant_id FROM unnest(p_grants) AS named (grant_id))
    || ARRAY['session:' || p_uid], p_until);
  PERFORM delete_fallen(p_grants, p_uid);
  DELETE FROM session WHERE uid = p_uid;
  PERFORM delete_authorizations(ARRAY[p_uid]);
END $$;

-- No row where there is no such session. Back-Channel Logout 1.0 2.7: what was issued without offline_access falls
-- with the session.
CREATE FUNCTION end_session(p_id_hash text, p_until bigint)
RETURNS TABLE (ended_account_id text, ended_authorizations jsonb) LANGUAGE plpgsql AS $$
DECLARE
  found_uid text;
BEGIN
  PERFORM lock_session_id(p_id_hash);
  SELECT uid INTO found_uid FROM artifact WHERE kind = 'Session' AND id_hash = p_id_hash;
  IF found_uid IS NOT NULL THEN PERFORM lock_session(found_uid); END IF;
  PERFORM mark_dead(ARRAY['session-id:' || p_id_hash], p_until);
  -- It may have ended by another way while this one waited for it.
  IF found_uid IS NULL OR is_dead(ARRAY['session:' || found_uid]) THEN RETURN; END IF;
  RETURN QUERY SELECT (SELECT account_id FROM session WHERE uid = found_uid), authorizations_of_session(found_uid);
  PERFORM delete_session(found_uid, ARRAY(SELECT grant_id FROM session_authorization
    WHERE uid = found_uid AND grant_id IS NOT NULL AND NOT persists_logout), p_until);
END $$;

-- Also ends the grants that outlive a logout, and those that the session was given after p_before.
CREATE FUNCTION end_session_of_account(p_uid text, p_account_id text, p_before bigint, p_until bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session(p_uid);
  PERFORM 1 FROM session WHERE uid = p_uid AND account_id = p_account_id AND born_at <= p_before;
  -- It may have passed to another account, or ended, since it was listed.
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM delete_session(p_uid, ARRAY(SELECT grant_id FROM session_authorization
    WHERE uid = p_uid AND grant_id IS NOT NULL), p_until);
END $$;

-- The rest is deleted in batches, each a transaction of its own: there may be more than one could hold, or do in time.

CREATE FUNCTION end_some_grants_of_account(p_account_id text, p_before bigint, p_until bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  grants text[] := ARRAY(SELECT grant_id FROM artifact WHERE account_id = p_account_id AND kind = 'Grant'
    AND born_at <= p_before AND grant_id IS NOT NULL LIMIT 500);
BEGIN
  PERFORM end_grants(grants, p_until);
  RETURN cardinality(grants);
END $$;

CREATE FUNCTION end_some_grants_of_client(p_client_id text, p_before bigint, p_until bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  grants text[] := ARRAY(SELECT grant_id FROM artifact WHERE client_id = p_client_id AND kind = 'Grant'
    AND born_at <= p_before AND grant_id IS NOT NULL LIMIT 500);
BEGIN
  PERFORM end_grants(grants, p_until);
  -- Without the locks of all these sessions: a row that was claimed again meanwhile has another grant, and stays.
  WITH fallen AS MATERIALIZED (
    SELECT uid FROM session_authorization WHERE client_id = p_client_id AND grant_id = ANY (grants)
    ORDER BY uid FOR UPDATE
  )
  DELETE FROM session_authorization AS known USING fallen
  WHERE known.uid = fallen.uid AND known.client_id = p_client_id AND known.grant_id = ANY (grants);
  RETURN cardinality(grants);
END $$;

CREATE FUNCTION take_attempt(
  p_subject text, p_limit bigint, p_window bigint, p_wait_grows boolean, p_max_consecutive bigint,
  p_longest_wait bigint, p_memory bigint, p_until_lifted bigint, p_now bigint
) RETURNS TABLE (block_until bigint, block_begins boolean) LANGUAGE plpgsql AS $$
DECLARE
  held attempt%ROWTYPE;
  same_window boolean;
  exhausted boolean;
  refused boolean;
  new_block bigint;
BEGIN
  LOOP
    SELECT * INTO held FROM attempt WHERE subject = p_subject FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO attempt (subject, count, consecutive, strikes, window_ends_at, blocked_until, expires_at)
    VALUES (p_subject, 0, 0, 0, 0, 0, p_now) ON CONFLICT (subject) DO NOTHING;
  END LOOP;
  IF held.blocked_until > p_now THEN
    RETURN QUERY SELECT held.blocked_until, false;
    RETURN;
  END IF;

  same_window := held.window_ends_at > p_now AND held.blocked_until = 0;
  IF NOT same_window THEN
    held.count := 0;
    held.window_ends_at := p_now + p_window;
  END IF;
  held.count := held.count + 1;
  held.consecutive := held.consecutive + 1;

  exhausted := coalesce(held.consecutive > p_max_consecutive, false);
  refused := exhausted OR held.count > p_limit;
  new_block := CASE WHEN exhausted THEN p_until_lifted
    WHEN p_wait_grows THEN p_now + least(p_window * (1::bigint << held.strikes::integer), p_longest_wait)
    ELSE p_now + p_window END;

  UPDATE attempt SET count = held.count, window_ends_at = held.window_ends_at,
    consecutive = CASE WHEN refused AND NOT exhausted THEN held.consecutive - 1 ELSE held.consecutive END,
    strikes = CASE WHEN refused THEN least(held.strikes + 1, 20) ELSE held.strikes END,
    blocked_until = CASE WHEN refused THEN new_block ELSE 0 END,
    -- Beyond this window, or the wait after it.
    expires_at = CASE WHEN exhausted THEN p_until_lifted
      ELSE p_now + CASE WHEN p_wait_grows OR p_max_consecutive IS NOT NULL THEN p_memory ELSE p_window END END
  WHERE subject = p_subject;
  IF refused THEN RETURN QUERY SELECT new_block, true; END IF;
END $$;

-- Deletes some of what expired, and says how many rows. One instance at a time: another is told that there is nothing.
-- Each order is that of an index, without which a batch would look through what has not expired.
CREATE FUNCTION sweep_state(p_before bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  swept bigint := 0;
  deleted bigint;
  uids text[];
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('sweep of protocol state', 0)) THEN RETURN 0; END IF;

  -- One that is being saved or claimed now is left to the next time: else what is added to it would never be found.
  uids := ARRAY(SELECT uid FROM (SELECT uid FROM session WHERE expires_at < p_before ORDER BY expires_at LIMIT 100) AS old
    WHERE pg_try_advisory_xact_lock(hashtextextended('session:' || uid, 0)));
  WITH gone AS (DELETE FROM session WHERE uid = ANY (uids) AND expires_at < p_before RETURNING uid)
  SELECT coalesce(array_agg(uid), '{}') INTO uids FROM gone;
  swept := cardinality(uids) + delete_authorizations(uids);

  WITH old AS MATERIALIZED (SELECT kind, id_hash FROM artifact WHERE expires_at < p_before
    ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)
  DELETE FROM artifact USING old WHERE artifact.kind = old.kind AND artifact.id_hash = old.id_hash;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  swept := swept + deleted;

  WITH old AS MATERIALIZED (SELECT subject FROM death WHERE expires_at < p_before
    ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)
  DELETE FROM death USING old WHERE death.subject = old.subject;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  swept := swept + deleted;

  WITH old AS MATERIALIZED (SELECT subject FROM attempt WHERE expires_at < p_before
    ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)
  DELETE FROM attempt USING old WHERE attempt.subject = old.subject;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  swept := swept + deleted;

  WITH old AS MATERIALIZED (SELECT id_hash FROM progress WHERE expires_at < p_before
    ORDER BY expires_at LIMIT 200 FOR UPDATE SKIP LOCKED)
  DELETE FROM progress USING old WHERE progress.id_hash = old.id_hash;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN swept + deleted;
END $$;
