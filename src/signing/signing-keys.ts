import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { ID_TOKEN_ALGORITHM, SIGNING_ALGORITHMS, type SigningAlgorithm } from '../lib/signing-algorithm.ts';
import { generateSigningKey, type PublishedKey, readSigningKey } from './key-pair.ts';
import { ofAlgorithm, type StatedKey, stateKeys, youngestOf } from './key-set.ts';
import { createSchedule } from './schedule.ts';
import type { SigningKeyStore, StoredSigningKey } from './store.ts';

export interface SigningSet {
  /** Those of one algorithm stand together, the one that signs first; before all the others, those of ID tokens. */
  keys: PublishedKey[];
  /** The algorithms that a key signs by. */
  signs: SigningAlgorithm[];
  /** False where the key of ID tokens was revoked, and none has taken its place yet. */
  canSign: boolean;
  /** Wanted, and no key signs by them: an API is the first to want one, or the key was revoked. */
  missing: SigningAlgorithm[];
  /** The youngest key of these will soon have reached its age, and has no successor yet. */
  due: SigningAlgorithm[];
  /** Equal for equal sets. */
  version: string;
}

export type AddedKey = Pick<StoredSigningKey, 'kid' | 'algorithm' | 'activatesAt'>;

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

  async function newKey(
    algorithm: SigningAlgorithm,
    activatesAt: (now: Milliseconds) => Milliseconds,
  ): Promise<StoredSigningKey> {
    const generated = await generateSigningKey(algorithm);
    const now = clock();
    return { ...generated, createdAt: now, activatesAt: activatesAt(now), revokedAt: null };
  }

  async function wanted(): Promise<SigningAlgorithm[]> {
    const asked = await store.wanted();
    return SIGNING_ALGORITHMS.filter((algorithm) => algorithm === ID_TOKEN_ALGORITHM || asked.includes(algorithm));
  }

  function needsSuccessor(keys: StatedKey[], algorithm: SigningAlgorithm): boolean {
    const dueAt = schedule.rotationDueAt(ofAlgorithm(keys, algorithm));
    return dueAt !== null && dueAt <= clock();
  }

  return {
    schedule,
    list: stated,
    /** The keys to publish now. */
    async current(): Promise<SigningSet> {
      const [all, asked] = await Promise.all([stated(), wanted()]);
      const usable = all.filter(({ state }) => state === 'announced' || state === 'active' || state === 'retired');
      // Of equally fit keys the provider signs with the first.
      usable.sort((a, b) => rank(a) - rank(b) || Number(b.state === 'active') - Number(a.state === 'active'));
      const keys = await publish(usable);
      const signs = SIGNING_ALGORITHMS.filter((each) => ofAlgorithm(usable, each)[0]?.state === 'active');
      return {
        ...{ keys, signs, canSign: signs.includes(ID_TOKEN_ALGORITHM) },
        missing: asked.filter((algorithm) => !signs.includes(algorithm)),
        due: asked.filter((algorithm) => needsSuccessor(all, algorithm)),
        version: [...keys.map(({ kid }) => kid), ...signs].join(' '),
      };
    },
    /** Makes sure that there is a key that signs by each algorithm that is wanted. */
    async ensure(by: By): Promise<void> {
      const active = (await stated()).filter(({ state }) => state === 'active');
      for (const algorithm of await wanted()) {
        if (ofAlgorithm(active, algorithm).length > 0) continue;
        await store.addFirst(await newKey(algorithm, (now) => now), by);
      }
    },
    /** Adds a key, which signs once every verifier's JWKS is younger than it, or at once. */
    async rotate(
      { immediately, algorithm = ID_TOKEN_ALGORITHM }: { immediately: boolean; algorithm?: SigningAlgorithm },
      by: By,
    ): Promise<AddedKey> {
      const key = await newKey(algorithm, immediately ? (now) => now : schedule.knownBy);
      await store.add(key, by);
      return added(key);
    },
    /** Announces the successors that are due. @returns those that no other instance was faster to announce */
    async rotateIfDue(by: By): Promise<AddedKey[]> {
      const keys = await stated();
      const announced: AddedKey[] = [];
      for (const algorithm of await wanted()) {
        const predecessor = youngestOf(ofAlgorithm(keys, algorithm));
        if (!predecessor || !needsSuccessor(keys, algorithm)) continue;
        const key = await newKey(algorithm, schedule.knownBy);
        if (await store.addSuccessor(key, predecessor.kid, by)) announced.push(added(key));
      }
      return announced;
    },
    /** From now on it verifies nothing here; verifiers that hold a cached JWKS trust it until that expires. */
    revoke: (kid: string, by: By): Promise<boolean> => store.revoke(kid, by),
  };
}

function rank({ algorithm }: StoredSigningKey): number {
  return SIGNING_ALGORITHMS.indexOf(algorithm);
}

function added({ kid, algorithm, activatesAt }: StoredSigningKey): AddedKey {
  return { kid, algorithm, activatesAt };
}
