import { apiKeyUse } from './api-key-site.ts';
import type { Config } from './config/config.ts';
import type { Logger } from './lib/log.ts';
import type { Metrics } from './metrics/metrics.ts';
import { createAccessTokens } from './oidc/access-tokens.ts';
import { createProvider, type ProviderDeps } from './oidc/provider.ts';
import { createProviderPages } from './oidc/views.ts';
import { providerEvents } from './provider-events.ts';
import { registrationAddress } from './registration-site.ts';
import type { LiveKeys } from './signing/live-keys.ts';
import type { Stores } from './store/open.ts';
import type { Pages } from './web/page.ts';

type Given = Pick<ProviderDeps, 'registry' | 'audit' | 'certificates' | 'polls' | 'fetch' | 'clock'> & {
  config: Config;
  stores: Stores;
  keys: LiveKeys;
  pages: Pages;
  log: Logger;
  metrics: Metrics;
};

/** The library's Provider, made anew whenever the signing keys change. */
export function startLiveProvider({ config, stores, keys, pages, log, metrics, ...given }: Given) {
  const { issuer, lifetimes, signUp, dpopNonces, registration } = config;
  const { keyring, accounts, consents, artifacts, outbox } = stores;
  const deps: ProviderDeps = {
    ...given,
    ...{ issuer, lifetimes, signUp, dpopNonces, levelPolicy: config.levels },
    ...{ keyring, accounts, consents, artifacts, outbox },
    accessTokens: createAccessTokens({ issuer, keys }),
    apiKeys: apiKeyUse(stores.apiKeys, { clock: given.clock, log }),
    provideKey: keys.provide,
    pages: createProviderPages(pages, async (id) => (await accounts.find(id))?.email ?? null),
    events: providerEvents({ log, metrics }),
    registrationEndpoint: registrationAddress(issuer, registration),
  };
  let provider = createProvider(keys.current(), deps);
  const renew = (set = keys.current()) => {
    provider = createProvider(set, deps);
  };
  keys.onChange(renew);
  return { current: () => provider, renew: () => renew() };
}
