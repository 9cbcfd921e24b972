import type { By } from '../lib/by.ts';
import type { StandardClaims } from './account.ts';
import type { BreachRange } from './breach-range.ts';
import { createKnownPasswords } from './known-passwords.ts';
import { PASSWORD_MAX } from './passwords.ts';
import { isMadeOf } from './personal-password.ts';

/** NIST SP 800-63B-4 3.1.1.2: 15 where the password stands alone, 8 where a second factor is enforced. */
const MIN_ALONE = 15;
const MIN_WITH_SECOND_FACTOR = 8;

/** Each has a text `problem.…` in every language. */
export type PasswordProblemCode =
  | 'password-short'
  | 'password-long'
  | 'password-common'
  | 'password-personal'
  | 'password-service'
  | 'password-breached';

export interface PasswordProblem {
  code: PasswordProblemCode;
  /** The bound, for the two about length. */
  n: number;
}

/** Whose password it is to be. */
export interface PasswordOwner {
  /** Code points after NFKC, from `minimumLength`. */
  minimum: number;
  email: string;
  claims: StandardClaims;
}

export interface PasswordPolicyDeps {
  siteName: string;
  issuer: string;
  /** Null: passwords are compared with the list in this program only. */
  range: BreachRange | null;
  /** The range could not be asked: the password was accepted without. */
  rangeFailed(by: By): Promise<void>;
}

export type PasswordPolicy = ReturnType<typeof createPasswordPolicy>;

/** @param secondFactor it is enforced: nobody enters this account by the password alone */
export function minimumLength({ secondFactor }: { secondFactor: boolean }): number {
  return secondFactor ? MIN_WITH_SECOND_FACTOR : MIN_ALONE;
}

/**
 * What a new password must be (NIST SP 800-63B-4 3.1.1.2): long, and no guess. Nothing is asked of its characters, and
 * it does not grow old. For passwords that are being set only: those that exist go on.
 */
export function createPasswordPolicy({ siteName, issuer, range, rangeFailed }: PasswordPolicyDeps) {
  const known = createKnownPasswords();
  const service = [siteName, new URL(issuer).hostname];

  return {
    /** @returns the first thing that is wrong with it, or null */
    async assess(password: string, { minimum, email, claims }: PasswordOwner, by: By): Promise<PasswordProblem | null> {
      const length = [...password.normalize('NFKC')].length;
      if (length < minimum) return { code: 'password-short', n: minimum };
      if (length > PASSWORD_MAX) return { code: 'password-long', n: PASSWORD_MAX };
      const refused = (code: PasswordProblemCode) => ({ code, n: 0 });
      if (isMadeOf(password, [email, ...namesIn(claims)])) return refused('password-personal');
      if (isMadeOf(password, service)) return refused('password-service');
      if (await known.has(password)) return refused('password-common');
      return (await isBreached(password, by)) ? refused('password-breached') : null;
    },
  };

  /** Fails open: a service of others that is away must keep nobody from a new password. */
  async function isBreached(password: string, by: By): Promise<boolean> {
    if (range === null) return false;
    try {
      return await range.has(password);
    } catch {
      await rangeFailed(by);
      return false;
    }
  }
}

function namesIn({
  name,
  given_name,
  family_name,
  middle_name,
  nickname,
  preferred_username,
}: StandardClaims): string[] {
  return [name, given_name, family_name, middle_name, nickname, preferred_username].filter(
    (each) => each !== undefined,
  );
}
