import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../clients/client.ts';
import { registrationOf } from './client-metadata.ts';
import type { Registry } from './registry.ts';

/** Whether a client is open to an account. Of one that is open to everybody, nothing is read. */
export async function mayUse(
  { isListed }: Pick<Registry, 'isListed'>,
  { id, settings }: Pick<Client, 'id' | 'settings'>,
  accountId: string,
): Promise<boolean> {
  return settings.accounts === 'everyone' || isListed(id, accountId);
}

type LoadGrant = (ctx: KoaContextWithOIDC) => Promise<Grant | undefined>;

/** No grant is made for somebody whom the application is not open to: it would be told of their sign-out. */
export function onlyIfOpen(registry: Pick<Registry, 'isListed'>, load: LoadGrant): LoadGrant {
  return async (ctx) => {
    const { client, session } = ctx.oidc;
    const isOpen = !client || !session?.accountId || mayUse(registry, registrationOf(client), session.accountId);
    return (await isOpen) ? load(ctx) : undefined;
  };
}
