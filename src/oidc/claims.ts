import type { AccountClaims, ClaimsParameter, ClaimsParameterMember, Account as ProviderAccount } from 'oidc-provider';
import Provider, { errors } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Client } from '../clients/client.ts';
import { registrationOf } from './client-metadata.ts';

/** OpenID Connect Core 5.4: which claims each scope asks for. */
export const CLAIMS_BY_SCOPE = {
  // The last three go into every ID token, not only where they are asked for.
  openid: ['sub', 'auth_time', 'acr', 'amr'],
  profile: [
    ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
    ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

/** The library's account, with ours in it for the sign-in policy. */
export interface KnownAccount extends ProviderAccount {
  account: Account;
}

/**
 * Core 5.5.1: a claim is asked for by null or by an object. The library, and the sign-in policy, look into it unseen.
 * @throws {errors.InvalidRequest}
 */
export function assertClaimsParameter(_ctx: unknown, claims: ClaimsParameter): void {
  for (const target of ['id_token', 'userinfo'] as const) {
    for (const [name, wanted] of Object.entries(claims[target] ?? {})) {
      const isObject = typeof wanted === 'object' && !Array.isArray(wanted);
      if (!isObject || (wanted?.values !== undefined && !Array.isArray(wanted.values))) {
        throw new errors.InvalidRequest(`claims.${target}.${name} must be null or an object, its values an array`);
      }
    }
  }
}

export function createFindAccount(accounts: AccountStore) {
  /** Undefined for an account that is gone or disabled: whatever named it then fails as if it did not exist. */
  return async (_ctx: unknown, id: string): Promise<KnownAccount | undefined> => {
    const account = await accounts.find(id);
    if (account?.status !== 'active') return undefined;
    return {
      accountId: id,
      account,
      async claims(use, _scope, requested) {
        const client = Provider.ctx?.oidc.client;
        const all = client ? openTo(registrationOf(client), allClaims(account)) : allClaims(account);
        // Profile claims belong to userinfo (Core 5.4); in the ID token only where the client is registered for that,
        // or where the `claims` parameter asked for them by name.
        if (use !== 'id_token') return all;
        const named = Object.keys(requested as Record<string, ClaimsParameterMember | null>);
        const { idTokenClaims, scopes } = client
          ? registrationOf(client).settings
          : { idTokenClaims: false, scopes: [] };
        return pick(all, idTokenClaims ? [...named, ...scopes.flatMap(claimsOfScope)] : named);
      },
    };
  };
}

/**
 * The `claims` parameter names what no scope stands for as well. Whoever registered itself gets no more by it than the
 * scopes that it was allowed; nor is that an error (Core 5.5.1).
 */
function openTo({ registeredBy, settings }: Client, claims: AccountClaims): AccountClaims {
  return registeredBy === null ? claims : pick(claims, settings.scopes.flatMap(claimsOfScope));
}

function claimsOfScope(scope: string): readonly string[] {
  return (CLAIMS_BY_SCOPE as Record<string, readonly string[]>)[scope] ?? [];
}

function allClaims({ id, email, emailVerified, claims, updatedAt }: Account): AccountClaims {
  return { ...claims, sub: id, email, email_verified: emailVerified, updated_at: Math.floor(updatedAt / 1000) };
}

function pick(claims: AccountClaims, names: string[]): AccountClaims {
  const named = names.filter((name) => claims[name] !== undefined).map((name) => [name, claims[name]]);
  return { ...Object.fromEntries(named), sub: claims.sub };
}
