import { normalizeEmail } from '../../src/accounts/account.ts';
import { createPasswords } from '../../src/accounts/passwords.ts';
import type { AccountStore, NewTotp } from '../../src/accounts/store.ts';
import type { Config } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { OperatorProblem } from '../../src/lib/errors.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Credentials } from './credentials.ts';

/** Signs in with a password alone, until an application asks for more. */
export const ADA = { email: 'ada@example.org', name: 'Ada Lovelace' };
/** Has an authenticator app already. */
export const GRACE = { email: 'grace@example.org', name: 'Grace Hopper' };

/** Creates who is not there yet. @throws {OperatorProblem} when the credentials are not those of the accounts */
export async function addPeople(accounts: AccountStore, config: Config, credentials: Credentials): Promise<void> {
  const passwords = createPasswords(config.password);
  const authenticator = () => ({
    ...{ id: newId('otp'), name: 'Authenticator app', secret: credentials.totpSecret },
    ...{ confirmedStep: 0, recoveryCodeHashes: [] },
  });

  for (const [person, totp] of [[ADA], [GRACE, authenticator()]] satisfies [typeof ADA, NewTotp?][]) {
    const { email, name } = person;
    const known = await accounts.findByEmail(normalizeEmail(email));
    if (!known) {
      const passwordHash = await passwords.hash(credentials.password);
      const account = { id: newId('acc'), email, emailVerified: true, role: 'user', passwordHash, claims: { name } };
      await accounts.create({ ...account, role: 'user' }, BY_OPERATOR, totp);
    } else if (!(await passwords.verify(known.passwordHash, credentials.password))) {
      const { data } = config.folders;
      throw new OperatorProblem(
        `${data}/credentials is not what ${email} was created with: delete ${data} to start over`,
      );
    }
  }
}
