import type { Account } from '../accounts/account.ts';
import type { Recovery } from '../accounts/recovery.ts';
import type { AccountStore, Authenticator } from '../accounts/store.ts';
import { yesNo } from './client-view.ts';
import { details, iso } from './layout.ts';

/** Never the password's hash. */
export function accountJson(account: Account) {
  const { id, email, emailVerified, role, status, passwordHash, claims, hasTotp, createdAt, updatedAt } = account;
  const { mustChangePassword, deletionDueAt } = account;
  return {
    ...{ id, email, emailVerified, role, status },
    hasPassword: passwordHash !== null,
    mustChangePassword,
    hasSecondFactor: hasTotp,
    deletionDueAt: deletionDueAt === null ? null : iso(deletionDueAt),
    claims,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/**
 * @param authenticators where they are to be listed
 * @param recovery that is under way
 */
export function accountText(
  account: Account,
  authenticators: Authenticator[] = [],
  recovery: Recovery | null = null,
): string {
  const { address, ...claims } = account.claims;
  const parts = Object.entries(address ?? {}).map(([name, value]) => [`address.${name}`, value] as const);
  return details([
    ['account id', account.id],
    ['email', `${account.email}${account.emailVerified ? ', verified' : ', not verified'}`],
    ['role', account.role],
    ['status', statusText(account)],
    [
      'password',
      account.mustChangePassword ? 'yes, to be changed at the next sign-in' : yesNo(account.passwordHash !== null),
    ],
    ['second factor', yesNo(account.hasTotp)],
    [
      'authenticators',
      authenticators.length > 0 ? authenticators.map((one) => `${one.id}  ${one.name}, ${iso(one.createdAt)}`) : null,
    ],
    ['recovery', recovery && `open from ${iso(recovery.opensAt)} until ${iso(recovery.expiresAt)}`],
    ...[...Object.entries(claims), ...parts].map(([name, value]): [string, string] => [name, String(value)]),
    ['created', iso(account.createdAt)],
    ['updated', iso(account.updatedAt)],
  ]);
}

/** With the time of its deletion, where that waits. */
export function statusText({ status, deletionDueAt }: Account): string {
  return deletionDueAt === null ? status : `${status}, deleted ${iso(deletionDueAt)}`;
}

/** After a change: the account as it is stored now. */
export async function accountResult(accounts: AccountStore, id: string, headline: string): Promise<[string, unknown]> {
  const account = (await accounts.find(id)) as Account;
  return [`${headline}\n\n${accountText(account)}`, accountJson(account)];
}
