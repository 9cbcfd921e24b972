import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { UnknownKey } from '../lib/keyring.ts';
import type { Sealer } from '../lib/sealing.ts';
import type {
  Artifact,
  ArtifactKeys,
  ArtifactKind,
  ArtifactStore,
  Payload,
  SessionAuthorization,
} from '../oidc/artifact-store.ts';
import type { ArtifactRow, ArtifactRows, FoundArtifact } from './artifact-rows.ts';
import { fallsWith } from './falls-with.ts';

/**
 * Between oidc-provider's payloads and an engine's rows: ids become SHA-256, payloads are sealed under a key of
 * their own, and a session's authorizations become rows.
 */
export function createArtifacts({
  rows,
  sealer,
  clock,
  markLifetime,
}: {
  rows: ArtifactRows;
  sealer: Sealer;
  clock: Clock;
  /** How long death marks are kept: longer than anything that carries what they name. */
  markLifetime: Milliseconds;
}): ArtifactStore {
  function rowFor(
    kind: ArtifactKind,
    id: string,
    payload: Payload,
    keys: ArtifactKeys,
    expiresAt: Milliseconds,
  ): ArtifactRow {
    const idHash = sha256(id);
    const sealed = sealer.seal(`artifact/${kind}`, idHash, JSON.stringify(payload));
    const { uid, grantId, accountId, clientId } = keys;
    return { kind, idHash, uid, grantId, accountId, clientId, bornAt: clock(), expiresAt, consumedAt: null, sealed };
  }

  /** Null where its key was removed, and what was sealed under it was given up with it. */
  function unsealed({ kind, idHash, sealed }: FoundArtifact): Payload | null {
    try {
      return JSON.parse(sealer.unseal(`artifact/${kind}`, idHash, sealed)) as Payload;
    } catch (err) {
      if (err instanceof UnknownKey) return null;
      throw err;
    }
  }

  function open(row: FoundArtifact | null): Artifact | null {
    if (!row) return null;
    const payload = unsealed(row);
    if (!payload) return null;
    if (row.consumedAt !== null) payload['consumed'] = Math.floor(row.consumedAt / 1000);
    if (row.kind === 'Session' && row.authorizations.length > 0) {
      payload['authorizations'] = Object.fromEntries(row.authorizations.map(toPayload));
    }
    return { payload, bornAt: row.bornAt, consumedAt: row.consumedAt };
  }

  const until = () => clock() + markLifetime;

  return {
    async put(kind, id, payload, keys, expiresAt) {
      if (kind === 'Session') {
        const { authorizations = {}, ...rest } = payload as { authorizations?: Record<string, AuthorizationPayload> };
        const row = rowFor(kind, id, rest, keys, expiresAt);
        const list = Object.entries(authorizations).map(fromPayload);
        await rows.upsertSession(row, list, fallsWith(kind, row.idHash, keys));
        return;
      }
      const row = rowFor(kind, id, payload, keys, expiresAt);
      await rows.upsert(row, fallsWith(kind, row.idHash, keys));
    },
    putOnce(kind, id, payload, keys, expiresAt) {
      const row = rowFor(kind, id, payload, keys, expiresAt);
      return rows.insert(row, fallsWith(kind, row.idHash, keys));
    },
    get: async (kind, id) => open(await rows.find(kind, sha256(id))),
    getSessionByUid: async (uid) => open(await rows.findSessionByUid(uid)),
    consume: (kind, id) => rows.consume(kind, sha256(id), clock()),
    delete: (kind, id) => rows.delete(kind, sha256(id)),
    claimAuthorization: (uid, clientId, wanted) => rows.claimAuthorization(uid, clientId, wanted, until()),
    dropAuthorization: (uid, clientId) => rows.dropAuthorization(uid, clientId),
    retireSessionId: (id) => rows.retireSessionId(sha256(id), until()),
    endSession: (id) => rows.endSession(sha256(id), until()),
    async listOf(kind, accountId) {
      const rowsOf = await rows.listOf(kind, accountId, clock());
      return rowsOf.flatMap((row) => {
        const artifact = open(row);
        return artifact ? [{ ...artifact, seenAt: row.seenAt }] : [];
      });
    },
    endSessionOf: (accountId, uid) => rows.endSessionOf(accountId, uid, until()),
    endGrant: (grantId) => rows.endGrant(grantId, until()),
    authorizationsOf: (accountId, before) => rows.authorizationsOf(accountId, before),
    endAccount: (accountId, before) => rows.endAccount(accountId, before, until()),
    endClient: (clientId, before) => rows.endClient(clientId, before, until()),
    deny: (jti, expiresAt) => rows.mark(`jti:${sha256(jti)}`, expiresAt),
    isDenied: (jti) => rows.isMarked(`jti:${sha256(jti)}`),
  };
}

/** The shape in which oidc-provider keeps a session's authorizations. */
interface AuthorizationPayload {
  sid?: string;
  grantId?: string;
  persistsLogout?: boolean;
}

function toPayload({ clientId, sid, grantId, persistsLogout }: SessionAuthorization): [string, AuthorizationPayload] {
  return [clientId, { ...(sid && { sid }), ...(grantId && { grantId }), ...(persistsLogout && { persistsLogout }) }];
}

function fromPayload([clientId, { sid, grantId, persistsLogout }]: [
  string,
  AuthorizationPayload,
]): SessionAuthorization {
  return { clientId, sid: sid ?? null, grantId: grantId ?? null, persistsLogout: persistsLogout ?? false };
}
