import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import pLimit from 'p-limit';
import { Refusal } from '../lib/errors.ts';

/** Bounds what one argon2 call is given, in UTF-16 units. */
export const PASSWORD_MAX = 256;
/** NIST SP 800-63B-4 3.1.1.2: 15 where the password stands alone, 8 where a second factor is demanded. */
export const PASSWORD_MIN_ALONE = 15;
export const PASSWORD_MIN_WITH_SECOND_FACTOR = 8;

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

  return {
    async hash(password: string): Promise<string> {
      return queued(() => argon2.hash(password.normalize('NFKC'), options));
    },
    /** Null stands for "there is none": the same work is done, the answer is false. */
    async verify(hash: string | null, password: string): Promise<boolean> {
      const matches = await queued(() => argon2.verify(hash ?? nobody, password.normalize('NFKC')));
      return matches && hash !== null;
    },
    /** Hashes that are being computed, and those that wait for it. */
    queue: () => ({ running: turn.activeCount, waiting: turn.pendingCount }),
    /** The hash was made with other parameters than those configured now. */
    isOutdated(hash: string): boolean {
      return argon2.needsRehash(hash, options);
    },
  };
}

/**
 * What an unknown address is checked against: a hash in the PHC string format that no password gives, which costs the
 * work of a real one.
 */
function hashOfNothing({ memory, passes, lanes }: PasswordCost): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory},p=${lanes},t=${passes}$${random(16)}$${random(32)}`;
}
