import { type Account, hasSecondFactor } from '../accounts/account.ts';
import { authenticatorName } from '../accounts/authenticator-names.ts';
import type { Passkey } from '../accounts/passkey-store.ts';
import type { Recovery } from '../accounts/recovery.ts';
import type { AccountStore, Authenticator } from '../accounts/store.ts';
import { yesNo } from './client-view.ts';
import { details, iso } from './layout.ts';
import { type HeldRoles, heldText } from './role-view.ts';

/** Never the password's hash. */
export function accountJson(account: Account) {
  const { id, email, emailVerified, role, status, passwordHash, claims, createdAt, updatedAt } = account;
  const { mustChangePassword, demandedLevel, deletionDueAt } = account;
  return {
    ...{ id, email, emailVerified, role, status },
    hasPassword: passwordHash !== null,
    mustChangePassword,
    hasSecondFactor: hasSecondFactor(account),
    demandedLevel,
    deletionDueAt: deletionDueAt === null ? null : iso(deletionDueAt),
    claims,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** A passkey without what nobody need see: its key, and by what else it could be known. */
export async function passkeyView({ id, name, aaguid, synced, backedUp, createdAt, lastUsedAt }: Passkey) {
  return {
    ...{ id, name, model: await authenticatorName(aaguid), synced, backedUp, createdAt: iso(createdAt) },
    lastUsedAt: lastUsedAt === null ? null : iso(lastUsedAt),
  };
}

type PasskeyView = Awaited<ReturnType<typeof passkeyView>>;

function passkeyText({ id, name, model, synced, createdAt, lastUsedAt }: PasskeyView): string {
  const kind = `${model ?? 'unknown model'}, ${synced ? 'synced' : 'on one device'}`;
  return `${id}  ${name} (${kind}), ${createdAt}, ${lastUsedAt === null ? 'never used' : `last used ${lastUsedAt}`}`;
}

/** What `account show` adds. */
export interface AccountMore {
  authenticators: Authenticator[];
  passkeys: PasskeyView[];
  trustedBrowsers: number;
  /** That is under way. */
  recovery: Recovery | null;
  /** That it was given. */
  roles: HeldRoles;
  /** The client ids of applications that are open to those listed. */
  listedFor: string[];
}

const NO_MORE: AccountMore = {
  authenticators: [],
  passkeys: [],
  trustedBrowsers: 0,
  recovery: null,
  roles: [],
  listedFor: [],
};

export function accountText(account: Account, more: AccountMore = NO_MORE): string {
  const { authenticators, passkeys, trustedBrowsers, recovery, roles, listedFor } = more;
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
    ['second factor', yesNo(hasSecondFactor(account))],
    ['must prove', account.demandedLevel],
    ['passkeys', passkeys.length > 0 ? passkeys.map(passkeyText) : null],
    [
      'authenticators',
      authenticators.length > 0 ? authenticators.map((one) => `${one.id}  ${one.name}, ${iso(one.createdAt)}`) : null,
    ],
    ['trusted browsers', trustedBrowsers > 0 ? String(trustedBrowsers) : null],
    ['roles', heldText(roles)],
    ['listed for', listedFor.length > 0 ? listedFor : null],
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
