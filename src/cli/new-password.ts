import type { Role } from '../accounts/account.ts';
import { demandedLevel, type SecondFactorPolicy } from '../assurance/demand.ts';
import { Failure } from './failure.ts';
import { readPassword } from './prompt.ts';

export interface PasswordRules {
  policy: SecondFactorPolicy;
  role: Role;
}

/** Asks for a new password and checks it. @throws {Failure} that says what is wrong with it, never what it was */
export async function newPassword(rules: PasswordRules): Promise<string> {
  const password = (await readPassword()).normalize('NFKC');
  const { PASSWORD_MAX, PASSWORD_MIN_ALONE, PASSWORD_MIN_WITH_SECOND_FACTOR } = await import(
    '../accounts/passwords.ts'
  );

  const alone = !demandsSecondFactor(rules);
  const minimum = alone ? PASSWORD_MIN_ALONE : PASSWORD_MIN_WITH_SECOND_FACTOR;
  // NIST SP 800-63B-4 3.1.1.2 counts code points; the upper bound counts what the hash is given.
  if ([...password].length < minimum) {
    const why = alone ? ', since no second factor is demanded of this account' : '';
    throw new Failure(`the password is too short: it needs ${minimum} characters${why}`);
  }
  if (password.length > PASSWORD_MAX) throw new Failure(`the password is too long: ${PASSWORD_MAX} characters at most`);
  return password;
}

export function demandsSecondFactor({ policy, role }: PasswordRules): boolean {
  return demandedLevel({ policy, role, client: 'one-factor', requested: 'one-factor' }) === 'two-factor';
}
