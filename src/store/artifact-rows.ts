import type { Milliseconds } from '../lib/duration.ts';
import type { ArtifactKind, EndedSession, SessionAuthorization } from '../oidc/artifact-store.ts';

/** An artifact as an engine sees it: the id hashed, the payload sealed. */
export interface ArtifactRow {
  kind: ArtifactKind;
  idHash: string;
  uid: string | null;
  grantId: string | null;
  accountId: string | null;
  clientId: string | null;
  bornAt: Milliseconds;
  expiresAt: Milliseconds;
  consumedAt: Milliseconds | null;
  sealed: Uint8Array;
}

export interface FoundArtifact extends ArtifactRow {
  authorizations: SessionAuthorization[];
}

export interface ListedArtifact extends FoundArtifact {
  seenAt: Milliseconds;
}

/** Who an artifact falls with: nothing is written for it once a death mark names one of these. */
export type Subject =
  | `session:${string}`
  | `grant:${string}`
  | `session-id:${string}`
  | `jti:${string}`
  | `spent:${ArtifactKind}:${string}`;

/** What an engine must do, each verb atomic. `until` is when a death mark may be forgotten. */
export interface ArtifactRows {
  upsert(row: ArtifactRow, fallsWith: Subject[]): Promise<void>;
  /** False when a row is there already or what it falls with is dead. */
  insert(row: ArtifactRow, fallsWith: Subject[]): Promise<boolean>;
  /** Writes the session, its row in the index, and adds its authorizations to those that others added. */
  upsertSession(row: ArtifactRow, authorizations: SessionAuthorization[], fallsWith: Subject[]): Promise<void>;
  find(kind: ArtifactKind, idHash: string): Promise<FoundArtifact | null>;
  findSessionByUid(uid: string): Promise<FoundArtifact | null>;
  consume(kind: ArtifactKind, idHash: string, at: Milliseconds): Promise<boolean>;
  delete(kind: ArtifactKind, idHash: string): Promise<void>;
  claimAuthorization(
    uid: string,
    clientId: string,
    wanted: { sid: string; grantId: string },
    until: Milliseconds,
  ): Promise<{ sid: string; grantId: string }>;
  dropAuthorization(uid: string, clientId: string): Promise<void>;
  retireSessionId(idHash: string, until: Milliseconds): Promise<void>;
  endSession(idHash: string, until: Milliseconds): Promise<EndedSession | null>;
  listOf(kind: 'Session' | 'Grant', accountId: string, now: Milliseconds): Promise<ListedArtifact[]>;
  endSessionOf(accountId: string, uid: string, until: Milliseconds): Promise<EndedSession | null>;
  /** True for exactly one caller, however many race. */
  endGrant(grantId: string, until: Milliseconds): Promise<boolean>;
  authorizationsOf(accountId: string, before: Milliseconds): Promise<SessionAuthorization[]>;
  endAccount(accountId: string, before: Milliseconds, until: Milliseconds): Promise<void>;
  endClient(clientId: string, before: Milliseconds, until: Milliseconds): Promise<void>;
  mark(subject: Subject, until: Milliseconds): Promise<void>;
  isMarked(subject: Subject): Promise<boolean>;
}
