import type { Account } from '../accounts/account.ts';
import type { AccountStore, Authenticator } from '../accounts/store.ts';
import { yesNo } from './client-view.ts';
import { details, iso } from './layout.ts';

/** Never the password's hash. */
export function accountJson(account: Account) {
  const { id, email, emailVerified, role, status, passwordHash, claims, hasTotp, createdAt, updatedAt } = account;
  return {
    ...{ id, email, emailVerified, role, status },
    hasPassword: passwordHash !== null,
    hasSecondFactor: hasTotp,
    claims,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** @param authenticators where they are to be listed */
export function accountText(account: Account, authenticators: Authenticator[] = []): string {
  const { address, ...claims } = account.claims;
  const parts = Object.entries(address ?? {}).map(([name, value]) => [`address.${name}`, value] as const);
  return details([
    ['account id', account.id],
    ['email', `${account.email}${account.emailVerified ? ', verified' : ', not verified'}`],
    ['role', account.role],
    ['status', account.status],
    ['password', yesNo(account.passwordHash !== null)],
    ['second factor', yesNo(account.hasTotp)],
    [
      'authenticators',
      authenticators.length > 0 ? authenticators.map((one) => `${one.id}  ${one.name}, ${iso(one.createdAt)}`) : null,
    ],
    ...[...Object.entries(claims), ...parts].map(([name, value]): [string, string] => [name, String(value)]),
    ['created', iso(account.createdAt)],
    ['updated', iso(account.updatedAt)],
  ]);
}

/** After a change: the account as it is stored now. */
export async function accountResult(accounts: AccountStore, id: string, headline: string): Promise<[string, unknown]> {
  const account = (await accounts.find(id)) as Account;
  return [`${headline}\n\n${accountText(account)}`, accountJson(account)];
}
