import type { Artifact } from './artifact-store.ts';
import type { Registry, Standing } from './registry.ts';

/** Whether what was made at `bornAt` may still be used by its owner. */
export function stands(standing: Standing | null, bornAt: number): boolean {
  return standing?.active === true && bornAt > standing.notBefore;
}

/**
 * A disabled, deleted or signed-out account, and a disabled or deleted client, take everything with them at once:
 * the look is at every find, and deleting the rows is only tidying up.
 */
export function createValidity(registry: Registry) {
  async function clientStands(clientId: string, bornAt: number): Promise<boolean> {
    const client = await registry.client(clientId);
    return client !== null && stands({ active: client.status === 'active', notBefore: client.notBefore }, bornAt);
  }

  return {
    clientStands,
    async isUsable({ payload, bornAt }: Artifact): Promise<boolean> {
      const { accountId, clientId } = payload;
      if (typeof accountId === 'string' && !stands(await registry.account(accountId), bornAt)) return false;
      return typeof clientId !== 'string' || clientStands(clientId, bornAt);
    },
  };
}
