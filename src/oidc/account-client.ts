import { acrOf, type Level } from '../assurance/level.ts';
import { defaultSettings } from '../clients/client.ts';
import type { RegisteredClient, Registry } from './registry.ts';
import { ROUTES } from './routes.ts';

/** The account pages, as the authorization endpoint knows them. In no table, and with no secret that anybody has. */
export const ACCOUNT_CLIENT = 'gatewright-account';

const SIGNED_IN = '/account/signed-in';

/**
 * OAuth 2.0 Multiple Response Types 4: nothing comes back, so there is nothing to steal or to redeem. What the visit was
 * for is the session.
 */
export const ACCOUNT_RESPONSE_TYPE = 'none';

/** A client by that name cannot be registered over this one. */
export function withAccountClient(registry: Registry, { issuer, name }: { issuer: string; name: string }): Registry {
  const client: RegisteredClient = {
    id: ACCOUNT_CLIENT,
    ...{ name, type: 'web', status: 'active', audience: null },
    settings: {
      ...defaultSettings('web'),
      redirectUris: [issuer + SIGNED_IN],
      scopes: ['openid'],
      // It is this server itself.
      firstParty: true,
    },
    ...{ registeredBy: null, managesItself: false, notBefore: 0, secretHashes: [], createdAt: 0, updatedAt: 0 },
  };
  return { ...registry, client: async (id) => (id === ACCOUNT_CLIENT ? client : registry.client(id)) };
}

/**
 * @param state comes back as it is: which page to go on to
 * @param anew the level that every proof is asked for again up to; null: what the session proved is enough
 */
export function accountSignInHref(issuer: string, state: string, anew: Level | null): string {
  const parameters = new URLSearchParams({
    ...{ client_id: ACCOUNT_CLIENT, redirect_uri: issuer + SIGNED_IN, response_type: ACCOUNT_RESPONSE_TYPE },
    ...{ scope: 'openid', state, ...(anew !== null && { prompt: 'login', acr_values: acrOf(anew) }) },
  });
  return `${ROUTES.authorization}?${parameters}`;
}
