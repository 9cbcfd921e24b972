import { HOUR, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { keyedHash } from '../lib/hash.ts';
import type { AttemptRule, AttemptStore, Block } from './attempt-store.ts';
import { type Named, type SubjectKind, subjectOf } from './subjects.ts';

const MEMORY: Milliseconds = toMilliseconds(HOUR);
/** A million classes of passwords: enough to tell one sprayed password from all others, too few to find one by it. */
const CLASS_BITS = 20;

/** Marks that an account was tried: it is counted once, however often. Nobody waits for these. */
export const TRIED = 'tried';

const ONCE: AttemptRule = { limit: 1, window: MEMORY, waitGrows: false, maxConsecutive: null };

export interface SprayingLimits {
  /** Accounts at which one password may be wrong within an hour. */
  perPassword: number;
  /** Accounts at which one address may be wrong within an hour. */
  perAddress: number;
}

export type Sprayed = 'password' | 'address';

export interface Sprayer {
  blocked: (Block & { by: Sprayed }) | null;
  /** The right password of this account: as if it had not been tried. */
  succeeded(): Promise<void>;
  withdrawn(): Promise<void>;
}

interface Tally {
  group: string;
  tried: string;
  isFirst: boolean;
}

/**
 * One password at many accounts, or one address at many accounts: each account may be far below its own limit
 * (docs/decisions/015). Accounts are counted by what was typed, whether or not they exist.
 */
export function createSpraying({
  store,
  limits,
  key,
}: {
  store: AttemptStore;
  limits: SprayingLimits;
  /** Of its own: it hashes passwords. */
  key: Buffer;
}) {
  const named = (what: string) => keyedHash(key, what) as Named;

  /** The full hash, with the key, would let a thief of both try passwords without argon2; a class of them does not. */
  function classOf(password: string): string {
    const hash = Buffer.from(keyedHash(key, `password/${password.normalize('NFKC')}`), 'base64url');
    return String(hash.readUInt32BE(0) >>> (32 - CLASS_BITS));
  }

  async function tally(
    kind: SubjectKind,
    whose: Named,
    limit: number,
    email: string,
    now: Milliseconds,
  ): Promise<Tally | Block> {
    const group = subjectOf(kind, whose);
    const block = await store.take(group, { ...ONCE, limit }, now);
    if (block) return block;
    const tried = subjectOf(TRIED, named(`${kind}/${whose}/${email}`));
    const isFirst = (await store.take(tried, ONCE, now)) === null;
    if (!isFirst) await store.withdraw(group);
    return { group, tried, isFirst };
  }

  return {
    async take(password: string, email: string, address: Named, now: Milliseconds): Promise<Sprayer> {
      const tallies: Tally[] = [];
      let blocked: Sprayer['blocked'] = null;
      const wanted: [Sprayed, SubjectKind, Named, number][] = [
        ['address', 'spraying-address', address, limits.perAddress],
        ['password', 'spraying-password', named(`class/${classOf(password)}`), limits.perPassword],
      ];
      for (const [by, kind, whose, limit] of wanted) {
        const result = await tally(kind, whose, limit, email, now);
        if ('until' in result) {
          blocked = { ...result, by };
          break;
        }
        tallies.push(result);
      }
      async function undo(): Promise<void> {
        for (const { group, tried, isFirst } of tallies) {
          if (!isFirst) continue;
          await store.withdraw(group);
          await store.clear(tried);
        }
      }
      return { blocked, succeeded: undo, withdrawn: undo };
    },
  };
}
