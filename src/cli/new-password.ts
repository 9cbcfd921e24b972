import type { Account } from '../accounts/account.ts';
import type { PasswordProblem } from '../accounts/password-policy.ts';
import { isSecondFactorEnforced } from '../assurance/demand.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Failure } from './failure.ts';
import { readPassword } from './prompt.ts';
import type { Opened } from './stores.ts';

/** Asks for a new password and checks it. @throws {Failure} that says what is wrong with it, never what it was */
export async function newPassword(
  { config, stores: { audit } }: Opened,
  { role, email, claims }: Pick<Account, 'role' | 'email' | 'claims'>,
): Promise<string> {
  const password = (await readPassword()).normalize('NFKC');
  const [{ createPasswordPolicy, minimumLength }, { createBreachRange }] = await Promise.all([
    import('../accounts/password-policy.ts'),
    import('../accounts/breach-range.ts'),
  ]);
  const { siteName, issuer, passwordRange } = config;
  const policy = createPasswordPolicy({
    ...{ siteName, issuer, range: passwordRange === null ? null : createBreachRange(passwordRange) },
    rangeFailed: (by) => audit.write({ event: 'password.range_unavailable' }, by),
  });
  const secondFactor = isSecondFactorEnforced(config.levels, role);
  const owner = { minimum: minimumLength({ secondFactor }), email, claims };
  const problem = await policy.assess(password, owner, BY_OPERATOR);
  if (problem) throw new Failure(`the password ${sentenceOf(problem, secondFactor)}`);
  return password;
}

function sentenceOf({ code, n }: PasswordProblem, secondFactor: boolean): string {
  const why = secondFactor ? '' : ', since no second factor is demanded of this account';
  return {
    'password-short': `is too short: it needs ${n} characters${why}`,
    'password-long': `is too long: ${n} characters at most`,
    'password-common': 'is easily guessed: take several words that do not belong together, or a random one',
    'password-personal': 'is made of the name or address of its owner: choose one that has nothing to do with them',
    'password-service': 'is made of the name of this service: choose one that has nothing to do with it',
    'password-breached': 'is known from other services that lost theirs: choose one that was never used elsewhere',
  }[code];
}
