import { HOUR, type Milliseconds, toMilliseconds } from '../../lib/duration.ts';
import type { ArtifactKind } from '../../oidc/artifact-store.ts';
import type { ArtifactRow, ArtifactRows, Subject } from '../artifact-rows.ts';
import type { Marks } from '../marks.ts';
import type { Redis } from './connection.ts';

/**
 * What only a sign-in that is under way needs. The rest must not get lost, or is read again and again (a device code is
 * polled), and stays in the database.
 */
const UNDER_WAY: readonly ArtifactKind[] = ['Interaction', 'AuthorizationCode', 'PushedAuthorizationRequest'];

/**
 * By how much a spent mark outlives what it speaks of: the clocks of instances and of Redis differ. Not more than that
 * asks for, since every sign-in leaves marks.
 */
const MARGIN: Milliseconds = toMilliseconds(HOUR);

/** All of a row that is not sealed, is no part of its key, and may be replaced. */
interface Head extends Pick<ArtifactRow, 'uid' | 'grantId' | 'accountId' | 'clientId' | 'expiresAt'> {
  fallsWith: Subject[];
}

interface Kept extends Head {
  bornAt: Milliseconds;
  sealed: Uint8Array;
}

/**
 * Artifacts of sign-ins under way in Redis, all others in the database. Redis may lose any of its last writes, so it
 * never is what says that something is over: that is marked in the database, and asked of it by every find.
 */
export function redisArtifactRows({
  redis,
  prefix,
  database,
  marks,
}: {
  redis: Redis;
  prefix: string;
  database: ArtifactRows;
  marks: Marks;
}): ArtifactRows {
  const keyOf = (kind: ArtifactKind, idHash: string) => `${prefix}${kind}:${idHash}`;

  async function load(kind: ArtifactKind, idHash: string): Promise<Kept | null> {
    const fields = await redis.run((client) => client.hmGet(keyOf(kind, idHash), ['born', 'head', 'sealed']));
    const [born, head, sealed] = fields as (Buffer | null)[];
    if (!born || !head || !sealed) return null;
    return { ...(JSON.parse(head.toString()) as Head), bornAt: Number(born), sealed };
  }

  return {
    ...database,
    async upsert(row, fallsWith) {
      if (!isUnderWay(row.kind)) return database.upsert(row, fallsWith);
      // Not asked whether it is dead: find does, and knows more.
      await redis.run((client) => client.put(keyOf(row.kind, row.idHash), ...valuesOf(row, fallsWith)));
    },
    async insert(row, fallsWith) {
      if (!isUnderWay(row.kind)) return database.insert(row, fallsWith);
      if ((await marks.marked([...fallsWith, spent(row.kind, row.idHash)])).size > 0) return false;
      return redis.run((client) => client.putOnce(keyOf(row.kind, row.idHash), ...valuesOf(row, fallsWith)));
    },
    async find(kind, idHash) {
      if (!isUnderWay(kind)) return database.find(kind, idHash);
      const kept = await load(kind, idHash);
      if (!kept) return null;
      const { fallsWith, ...row } = kept;
      const marked = await marks.marked([...fallsWith, spent(kind, idHash)]);
      const isSpent = marked.delete(spent(kind, idHash));
      if (marked.size > 0 || (isSpent && kind === 'Interaction')) return null;
      // When is not kept: of these kinds nothing but whether they are spent is ever asked.
      return { ...row, kind, idHash, consumedAt: isSpent ? row.bornAt : null, authorizations: [] };
    },
    async consume(kind, idHash, at) {
      if (!isUnderWay(kind)) return database.consume(kind, idHash, at);
      const kept = await load(kind, idHash);
      return kept !== null && marks.markOnce(spent(kind, idHash), kept.expiresAt + MARGIN, kept.fallsWith);
    },
    async delete(kind, idHash) {
      if (!isUnderWay(kind)) return database.delete(kind, idHash);
      const kept = await load(kind, idHash);
      if (!kept) return;
      // An interaction is deleted when its login is used: should it come back, it must not log anybody in again.
      await marks.markOnce(spent(kind, idHash), kept.expiresAt + MARGIN, []);
      await redis.run((client) => client.del(keyOf(kind, idHash)));
    },
  };
}

function isUnderWay(kind: ArtifactKind): boolean {
  return UNDER_WAY.includes(kind);
}

function spent(kind: ArtifactKind, idHash: string): Subject {
  return `spent:${kind}:${idHash}`;
}

/** The time to live is counted from this write on, so that the clock of Redis need not agree with ours. */
function valuesOf(row: ArtifactRow, fallsWith: Subject[]): [number, string, Uint8Array, Milliseconds] {
  const { uid, grantId, accountId, clientId, bornAt, expiresAt, sealed } = row;
  const head: Head = { uid, grantId, accountId, clientId, expiresAt, fallsWith };
  return [bornAt, JSON.stringify(head), sealed, Math.max(1, expiresAt - bornAt)];
}
