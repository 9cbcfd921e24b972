import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import pLimit from 'p-limit';
import { Refusal } from '../lib/errors.ts';
import { isForeign, matchesForeign } from './foreign-hash.ts';

/** Code points after NFKC, so 1,024 bytes of UTF-8 at most: bounds what one hash is made of. */
export const PASSWORD_MAX = 256;

export interface PasswordCost {
  /** KiB */
  memory: number;
  passes: number;
  lanes: number;
  /** Hashes computed at once; they share libuv's four threads with token signatures. */
  concurrency: number;
  /** Hashes that may wait; whoever comes later is told to try again. */
  queue: number;
}

export type Passwords = ReturnType<typeof createPasswords>;

/** argon2id (RFC 9106). Passwords are NFKC (NIST SP 800-63B-4 3.1.1.2), so that every keyboard writes the same one. */
export function createPasswords(cost: PasswordCost) {
  const options = {
    type: argon2.argon2id,
    memoryCost: cost.memory,
    timeCost: cost.passes,
    parallelism: cost.lanes,
  } as const;
  const turn = pLimit(cost.concurrency);
  const nobody = hashOfNothing(cost);

  function queued<T>(work: () => Promise<T>): Promise<T> {
    if (turn.pendingCount >= cost.queue) throw new Refusal('busy', 503, { retryAfter: 5 });
    return turn(work);
  }

  function isOutdated(hash: string): boolean {
    return !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, options);
  }

  return {
    async hash(password: string): Promise<string> {
      return queued(() => argon2.hash(password.normalize('NFKC'), options));
    },
    /** Null stands for "there is none": the same work is done, the answer is false. */
    async verify(hash: string | null, password: string): Promise<boolean> {
      const against = hash ?? nobody;
      const normalized = password.normalize('NFKC');
      let matches = await queued(() => matchesHash(against, normalized));
      // Other programs hashed what was typed.
      if (!matches && password !== normalized && isOutdated(against)) {
        matches = await queued(() => matchesHash(against, password));
      }
      return matches && hash !== null;
    },
    /** Hashes that are being computed, and those that wait for it. */
    queue: () => ({ running: turn.activeCount, waiting: turn.pendingCount }),
    /** The hash was made in another way than is configured now: at the next sign-in it is replaced. */
    isOutdated,
  };
}

/** Code points are counted in the shorter of both forms: nobody whose password was taken before is turned away. */
export function isTooLong(password: string): boolean {
  return Math.min(password.length, [...password.normalize('NFKC')].length) > PASSWORD_MAX;
}

async function matchesHash(hash: string, password: string): Promise<boolean> {
  return isForeign(hash) ? matchesForeign(hash, password) : argon2.verify(hash, password);
}

/**
 * What an unknown address is checked against: a hash in the PHC string format that no password gives, which costs the
 * work of a real one.
 */
function hashOfNothing({ memory, passes, lanes }: PasswordCost): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory},p=${lanes},t=${passes}$${random(16)}$${random(32)}`;
}
