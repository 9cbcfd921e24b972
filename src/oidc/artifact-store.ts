import type { Milliseconds } from '../lib/duration.ts';

/**
 * What oidc-provider keeps: the name of its model. Ours are `TokenClaims` (claims asked of userinfo, per access token) and
 * `UserCode` (which device waits for what a person types).
 */
export type ArtifactKind =
  | 'Session'
  | 'Interaction'
  | 'Grant'
  | 'AuthorizationCode'
  | 'RefreshToken'
  | 'DeviceCode'
  | 'PushedAuthorizationRequest'
  | 'ReplayDetection'
  | 'TokenClaims'
  | 'UserCode';

export type Payload = Record<string, unknown>;

/** The values an artifact is searched by, besides its id. All but the id are harmless to know. */
export interface ArtifactKeys {
  uid: string | null;
  grantId: string | null;
  accountId: string | null;
  clientId: string | null;
  /** Set where the artifact dies with this session. */
  sessionUid: string | null;
}

export interface Artifact {
  payload: Payload;
  /** When it was first written. For a session: when its account signed in. */
  bornAt: Milliseconds;
  consumedAt: Milliseconds | null;
}

/** What an account has at present. */
export interface KeptArtifact extends Artifact {
  /** For a session: when it was last saved. */
  seenAt: Milliseconds;
}

/** One application within a sign-in session. */
export interface SessionAuthorization {
  clientId: string;
  sid: string | null;
  grantId: string | null;
  /** `offline_access` was granted: the grant outlives the session. */
  persistsLogout: boolean;
}

/** A session that ended, with the applications that may have to be told (Back-Channel Logout 1.0). */
export interface EndedSession {
  accountId: string | null;
  authorizations: SessionAuthorization[];
}

/**
 * Protocol state. Ids are bearer secrets: only their hashes are stored, and payloads are sealed.
 * What was ended stays ended: a death mark outlives every token, and no write brings back what it names.
 * Every implementation passes test/store/artifacts.contract.ts.
 */
export interface ArtifactStore {
  /** Insert or replace; does nothing when the session or grant that the artifact belongs to has ended. */
  put(kind: ArtifactKind, id: string, payload: Payload, keys: ArtifactKeys, expiresAt: Milliseconds): Promise<void>;
  /** True for exactly one caller per id, however many race; never replaces. */
  putOnce(
    kind: ArtifactKind,
    id: string,
    payload: Payload,
    keys: ArtifactKeys,
    expiresAt: Milliseconds,
  ): Promise<boolean>;
  get(kind: ArtifactKind, id: string): Promise<Artifact | null>;
  getSessionByUid(uid: string): Promise<Artifact | null>;
  /** True for exactly one caller, however many race. */
  consume(kind: ArtifactKind, id: string): Promise<boolean>;
  delete(kind: ArtifactKind, id: string): Promise<void>;

  /**
   * The grant of one application in one session: the first live one claimed stays, and every caller learns it. Where
   * the session has ended, the wanted grant ends too.
   */
  claimAuthorization(
    uid: string,
    clientId: string,
    wanted: { sid: string; grantId: string },
  ): Promise<{ sid: string; grantId: string }>;
  /** Takes one application out of a session. */
  dropAuthorization(uid: string, clientId: string): Promise<void>;
  /** Replaces a session's id. The old id is dead at once, the session lives on under its uid. */
  retireSessionId(id: string): Promise<void>;
  /** Ends a session by its id, and the grants that do not outlive it. Null where there is none. */
  endSession(id: string): Promise<EndedSession | null>;
  /** The live sessions or grants of an account, in the order in which they were last seen, newest first. */
  listOf(kind: 'Session' | 'Grant', accountId: string): Promise<KeptArtifact[]>;
  /** Ends a session of this account, whatever id it goes by; as `endSession`. Null where the account has none such. */
  endSessionOf(accountId: string, uid: string): Promise<EndedSession | null>;
  /** Ends a grant and everything issued under it. True for exactly one caller, however many race. */
  endGrant(grantId: string): Promise<boolean>;
  /** The applications that an account is signed in to by sessions from an instant or before. */
  authorizationsOf(accountId: string, before: Milliseconds): Promise<SessionAuthorization[]>;
  /** Ends what an account had at an instant or before. Repeatable. */
  endAccount(accountId: string, before: Milliseconds): Promise<void>;
  /** Ends what a client had at an instant or before. Repeatable. */
  endClient(clientId: string, before: Milliseconds): Promise<void>;

  /** Denies one access token by its `jti` until it would have expired. */
  deny(jti: string, until: Milliseconds): Promise<void>;
  isDenied(jti: string): Promise<boolean>;
}
