import type { ListedAccounts } from '../authorization/listed-accounts.ts';
import type { RoleStore } from '../authorization/store.ts';
import type { Registry } from './registry.ts';

export interface OwnAuthorizationDeps {
  roles: Pick<RoleStore, 'heldBy'>;
  listedAccounts: Pick<ListedAccounts, 'ofAccount'>;
  registry: Pick<Registry, 'client'>;
}

/** What one account was given, as its owner would know it again. */
export function createOwnAuthorization({ roles, listedAccounts, registry }: OwnAuthorizationDeps) {
  return {
    async rolesOf(accountId: string): Promise<{ api: string | null; name: string }[]> {
      const held = await roles.heldBy({ kind: 'account', id: accountId });
      return Promise.all(
        held.map(async ({ apiId, name }) => ({ api: (await registry.client(apiId))?.audience ?? null, name })),
      );
    },
    listingsOf: (accountId: string) => listedAccounts.ofAccount(accountId),
  };
}
