import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AccountStore } from '../accounts/store.ts';
import type { LevelPolicy } from '../assurance/demand.ts';
import type { Audit } from '../audit/audit.ts';
import { isConfidential } from '../clients/client.ts';
import type { ConsentStore } from '../consents/store.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { LiveKeys } from '../signing/live-keys.ts';
import type { SigningSet } from '../signing/signing-keys.ts';
import type { AccessTokens } from './access-tokens.ts';
import { createAdapter } from './adapter.ts';
import { completeTokenOfKey, registerApiKeyExchange, withinApiKey } from './api-key-exchange.ts';
import { type ApiKeysDeps, createApiKeys } from './api-keys.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { createAuditedEnds } from './audited-ends.ts';
import { assertClaimsParameter, createFindAccount } from './claims.ts';
import { createAssertionCheck } from './client-assertions.ts';
import { createClientKeySets } from './client-key-sets.ts';
import { registrationOf } from './client-metadata.ts';
import { createCookieKeys } from './cookie-keys.ts';
import { createDeviceCodes, USER_CODE } from './device-codes.ts';
import { type DpopNonces, dpopFeature } from './dpop.ts';
import { type ProviderEvents, reportEvents } from './events.ts';
import { createGrants } from './grants.ts';
import { handOver } from './hand-over.ts';
import { introspectionAllowed, revocationAllowed } from './introspection.ts';
import { LendingProvider } from './lent-grant.ts';
import type { Lifetimes } from './lifetimes.ts';
import { onlyIfOpen } from './listed.ts';
import { type CertificateOffer, mutualTlsSettings } from './mutual-tls.ts';
import { noteOutcomes } from './outcome.ts';
import { overrideLibrary } from './overrides.ts';
import { createPermissions } from './permissions.ts';
import { CREATE, createPolicy, offeredPrompts } from './policy.ts';
import { createRefreshTokenIds } from './refresh-tokens.ts';
import type { Registry } from './registry.ts';
import { createReplays } from './replays.ts';
import { createRequestObjectCheck } from './request-objects.ts';
import { createResources } from './resources.ts';
import { finishResponses } from './responses.ts';
import { ROUTES } from './routes.ts';
import { createScopeToday } from './scope-today.ts';
import { createSessionEnds } from './session-ends.ts';
import { ASYMMETRIC, fixedSettings } from './settings.ts';
import { answerUnavailable } from './unavailable.ts';
import type { ErrorOut, ProviderPages } from './views.ts';
import { currentVisitor } from './visitor.ts';

export interface ProviderDeps {
  issuer: string;
  lifetimes: Lifetimes;
  levelPolicy: LevelPolicy;
  /** Anybody can ask for an account. */
  signUp: { offered: boolean };
  dpopNonces: DpopNonces;
  keyring: Keyring;
  accounts: AccountStore;
  consents: ConsentStore;
  artifacts: ArtifactStore;
  registry: Registry;
  outbox: Outbox;
  audit: Audit;
  accessTokens: AccessTokens;
  apiKeys: Pick<ApiKeysDeps, 'store' | 'lastUse'>;
  /** Has a signing key made for an algorithm that an API is the first to want. */
  provideKey: LiveKeys['provide'];
  polls: RequestLimits['polls'];
  pages: ProviderPages;
  events: ProviderEvents;
  /** Where applications register themselves; undefined: nowhere. */
  registrationEndpoint: string | undefined;
  /** For addresses that clients supply. */
  fetch: typeof globalThis.fetch;
  /** What clients can do with certificates; null: nothing. */
  certificates: CertificateOffer | null;
  clock: Clock;
}

/** One Provider for one set of signing keys; when the set changes, the host makes another and swaps them. */
export function createProvider(set: SigningSet, deps: ProviderDeps): Provider {
  const { issuer, lifetimes, keyring, artifacts, registry, accessTokens, pages, clock } = deps;
  const userinfoAudience = `${issuer}${ROUTES.userinfo}`;
  const refreshTokenIds = createRefreshTokenIds(keyring);
  const permissionsAt = createPermissions(registry);
  const replays = createReplays({ artifacts, clock });
  const resources = createResources({
    ...{ permissionsAt, artifacts, userinfoAudience },
    ...{ accessTokenLifetime: lifetimes.accessToken, signs: set.signs, provideKey: deps.provideKey },
  });
  const scopeToday = createScopeToday({ registry, permissionsAt, userinfoAudience });
  const apiKeys = createApiKeys({ registry, scopeToday, ...deps.apiKeys });
  const sessionEnds = createSessionEnds({ artifacts, registry, outbox: deps.outbox });
  const fixed = fixedSettings({ https: issuer.startsWith('https:'), lifetimes, levelPolicy: deps.levelPolicy });

  const { clientAuthMethods: byCertificate, discovery, mTLS } = mutualTlsSettings(deps.certificates);
  const clientAuthMethods = [...(fixed.clientAuthMethods ?? []), ...byCertificate];

  const settings: Configuration = {
    ...fixed,
    ttl: { ...fixed.ttl, ClientCredentials: withinApiKey(fixed.ttl?.ClientCredentials, clock) },
    clientAuthMethods,
    adapter: createAdapter({
      ...{ artifacts, registry, accessTokens, apiKeys, refreshTokenIds, userinfoAudience, clock },
      ...{ deviceCodes: createDeviceCodes({ artifacts, keyring, audit: deps.audit }), polls: deps.polls },
      ends: createAuditedEnds({ artifacts, sessionEnds, audit: deps.audit }),
      sessionLifetime: lifetimes.session,
      scopeToday,
      beforeSpending: resources.beforeSpending,
    }),
    jwks: { keys: set.keys.map(({ jwk }) => jwk) as NonNullable<Configuration['jwks']>['keys'] },
    cookies: { ...fixed.cookies, keys: createCookieKeys(keyring) as never },
    findAccount: createFindAccount(deps.accounts),
    loadExistingGrant: onlyIfOpen(registry, createGrants({ consents: deps.consents, artifacts, permissionsAt })),
    discovery: {
      ...{ ...fixed.discovery, ...discovery, prompt_values_supported: offeredPrompts(deps.signUp.offered) },
      registration_endpoint: deps.registrationEndpoint,
      ...authenticationElsewhere(clientAuthMethods),
      // RFC 9728 4
      protected_resources: [userinfoAudience],
    },
    interactions: {
      policy: createPolicy({ levelPolicy: deps.levelPolicy, signUpOffered: deps.signUp.offered, registry, clock }),
      url: (_ctx, { uid, prompt }) => `/interaction/${uid}${prompt.name === CREATE ? '?prompt=create' : ''}`,
    },
    issueRefreshToken: async (ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && (await resources.issueRefreshToken(ctx, client, source)),
    rotateRefreshToken: true,
    expiresWithSession: (_ctx, source) => !source.scopes.has('offline_access'),
    pkce: { required: isPkceRequired },
    assertJwtClientAuthClaimsAndHeader: createAssertionCheck({ clock, replays }),
    clientBasedCORS: isOriginOf,
    formats: {
      customizers: {
        async jwt(ctx, token, jwt) {
          await resources.completeToken(ctx, token, jwt);
          await completeTokenOfKey(ctx, jwt, apiKeys);
        },
      },
    },
    renderError: pages.error,
    fetch: createClientKeySets({ fetch: deps.fetch, clock, onFailed: deps.events.keysNotFetched }),
    features: {
      devInteractions: { enabled: false },
      dPoP: dpopFeature({ keyring, nonces: deps.dpopNonces }),
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true, assertClaimsParameter },
      clientCredentials: { enabled: true },
      deviceFlow: {
        ...{ enabled: true, ...USER_CODE, deviceInfo: () => ({ ...currentVisitor() }) },
        successSource: async (ctx) => pages.deviceConnected(ctx),
        userCodeInputSource: async (ctx, _form, out, err) =>
          pages.deviceNotConnected(ctx, out as ErrorOut, err as Error),
      },
      mTLS,
      introspection: { enabled: true, allowedPolicy: introspectionAllowed },
      revocation: { enabled: true, allowedPolicy: revocationAllowed },
      requestObjects: { enabled: true, assertJwtClaimsAndHeader: createRequestObjectCheck(clock) },
      resourceIndicators: {
        enabled: true,
        defaultResource: resources.defaultResource as never,
        getResourceServerInfo: resources.getResourceServerInfo as never,
        useGrantedResource: () => true,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.signOut,
        postLogoutSuccessSource: pages.signedOut,
      },
    },
  };

  const provider = new LendingProvider(issuer, settings);
  // The one forwarded header that reaches it is written by the host itself (web/host-guard.ts).
  provider.proxy = true;
  registerApiKeyExchange(provider, apiKeys);
  overrideLibrary(provider, { refreshTokenIds, replays });
  noteOutcomes(provider);
  provider.use(answerUnavailable({ pages, report: deps.events.unavailable }));
  provider.use(handOver);
  provider.use(finishResponses({ issuer, pages, sessionEnds, events: deps.events, jwksCache: lifetimes.jwksCache }));
  reportEvents(provider, deps.events);
  return provider;
}

/** RFC 8414 2: unless it is said, revocation takes secrets in a header alone, and nobody knows what introspection takes. */
function authenticationElsewhere(methods: string[]): Record<string, string[]> {
  const at = (endpoint: string) => ({
    [`${endpoint}_endpoint_auth_methods_supported`]: methods,
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: [...ASYMMETRIC],
  });
  return { ...at('introspection'), ...at('revocation') };
}

/** RFC 9700 2.1.1: the operator can exempt a client only where it has a secret of its own. */
function isPkceRequired(_ctx: KoaContextWithOIDC, client: object): boolean {
  const { settings } = registrationOf(client);
  return settings.pkceRequired || !isConfidential(settings);
}

/** A browser may use the token endpoint from the pages of a public client, and userinfo from those of any. */
function isOriginOf(ctx: KoaContextWithOIDC, origin: string, client: object): boolean {
  const { settings } = registrationOf(client);
  if (origin === 'null' || (isConfidential(settings) && ctx.oidc.route !== 'userinfo')) return false;
  return settings.redirectUris.some((uri) => URL.parse(uri)?.origin === origin);
}
