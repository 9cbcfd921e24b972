import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { generateSigningKey, type PublishedKey, readSigningKey } from './key-pair.ts';
import { type StatedKey, stateKeys, youngestOf } from './key-set.ts';
import { createSchedule } from './schedule.ts';
import type { SigningKeyStore, StoredSigningKey } from './store.ts';

export interface SigningSet {
  /** The one that signs comes first. */
  keys: PublishedKey[];
  /** False where the key that signed was revoked, and none has taken its place yet. */
  canSign: boolean;
  /** The youngest key will soon have reached its age, and has no successor yet. */
  needsSuccessor: boolean;
  /** Equal for equal sets. */
  version: string;
}

export type AddedKey = Pick<StoredSigningKey, 'kid' | 'activatesAt'>;

export type SigningKeys = ReturnType<typeof createSigningKeys>;

export function createSigningKeys({
  store,
  clock,
  jwksCache,
  age,
  retention,
}: {
  store: SigningKeyStore;
  clock: Clock;
  /** How long verifiers keep the JWKS: a key is published for longer than that before it signs. */
  jwksCache: Seconds;
  /** A key is replaced when it has signed for that long; null: by an operator only. */
  age: Seconds | null;
  retention: Seconds;
}) {
  const schedule = createSchedule({ jwksCache, age });
  let published = new Map<string, PublishedKey>();

  /** Each key is read once. What is not published any more is forgotten, its private half with it. */
  async function publish(keys: StoredSigningKey[]): Promise<PublishedKey[]> {
    const read = await Promise.all(keys.map(async (key) => published.get(key.kid) ?? readSigningKey(key)));
    published = new Map(read.map((key) => [key.kid, key]));
    return read;
  }

  async function stated(): Promise<StatedKey[]> {
    return stateKeys(await store.list(), clock(), toMilliseconds(retention));
  }

  async function newKey(activatesAt: (now: Milliseconds) => Milliseconds): Promise<StoredSigningKey> {
    const generated = await generateSigningKey();
    const now = clock();
    return { ...generated, createdAt: now, activatesAt: activatesAt(now), revokedAt: null };
  }

  function needsSuccessor(keys: StatedKey[]): boolean {
    const dueAt = schedule.rotationDueAt(keys);
    return dueAt !== null && dueAt <= clock();
  }

  return {
    schedule,
    list: stated,
    /** The keys to publish now. */
    async current(): Promise<SigningSet> {
      const all = await stated();
      const usable = all.filter(({ state }) => state === 'announced' || state === 'active' || state === 'retired');
      // Of equally fit keys the provider signs with the first.
      usable.sort((a, b) => Number(b.state === 'active') - Number(a.state === 'active'));
      const keys = await publish(usable);
      return {
        ...{ keys, canSign: usable[0]?.state === 'active', needsSuccessor: needsSuccessor(all) },
        version: keys.map(({ kid }) => kid).join(' '),
      };
    },
    /** Makes sure that there is a key that signs. */
    async ensure(by: By): Promise<void> {
      if ((await stated()).some(({ state }) => state === 'active')) return;
      await store.addFirst(await newKey((now) => now), by);
    },
    /** Adds a key, which signs once every verifier's JWKS is younger than it, or at once. */
    async rotate({ immediately }: { immediately: boolean }, by: By): Promise<AddedKey> {
      const key = await newKey(immediately ? (now) => now : schedule.knownBy);
      await store.add(key, by);
      return { kid: key.kid, activatesAt: key.activatesAt };
    },
    /** Announces the successor that is due. @returns null where none is, or another instance was first */
    async rotateIfDue(by: By): Promise<AddedKey | null> {
      const keys = await stated();
      const predecessor = youngestOf(keys);
      if (!predecessor || !needsSuccessor(keys)) return null;
      const key = await newKey(schedule.knownBy);
      const isAdded = await store.addSuccessor(key, predecessor.kid, by);
      return isAdded ? { kid: key.kid, activatesAt: key.activatesAt } : null;
    },
    /** From now on it verifies nothing here; verifiers that hold a cached JWKS trust it until that expires. */
    revoke: (kid: string, by: By): Promise<boolean> => store.revoke(kid, by),
  };
}
