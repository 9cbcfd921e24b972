-- As end_session, by the uid and for one account alone: no row where that account has no such session.
CREATE FUNCTION end_session_of(p_account_id text, p_uid text, p_until bigint)
RETURNS TABLE (ended_account_id text, ended_authorizations jsonb) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_session(p_uid);
  PERFORM 1 FROM session WHERE uid = p_uid AND account_id = p_account_id;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT p_account_id, authorizations_of_session(p_uid);
  PERFORM delete_session(p_uid, ARRAY(SELECT grant_id FROM session_authorization
    WHERE uid = p_uid AND grant_id IS NOT NULL AND NOT persists_logout), p_until);
END $$;
