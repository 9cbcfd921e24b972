import path from 'node:path';
import Koa from 'koa';
import packageFile from '../package.json' with { type: 'json' };
import { accountPages, type PendingAuthenticator } from './account-site.ts';
import { createPasswords } from './accounts/passwords.ts';
import { startBackground } from './background.ts';
import { type Config, signingKeyRetention, storeOptions } from './config/config.ts';
import { createDefences } from './defences.ts';
import { devicePages } from './device-site.ts';
import { createFactors } from './factors.ts';
import type { Progress } from './interaction/interaction.ts';
import { openLetters } from './letters.ts';
import { BY_SYSTEM } from './lib/by.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { MINUTE } from './lib/duration.ts';
import { createGuardedFetch } from './lib/guarded-fetch.ts';
import type { Logger } from './lib/log.ts';
import { createAskedJobs } from './links/asked.ts';
import { linkPages } from './links-site.ts';
import { startLiveProvider } from './live-provider.ts';
import { createMetrics } from './metrics/metrics.ts';
import { withSignInsCounted } from './metrics/outcomes.ts';
import { isFromThisMachine, metricsPage } from './metrics/page.ts';
import { openMutualTls } from './mutual-tls.ts';
import { observedStores } from './observed-stores.ts';
import { withAccountClient } from './oidc/account-client.ts';
import { withApiKeyClient } from './oidc/api-key-client.ts';
import { hintedKey } from './oidc/hinted-key.ts';
import { oidcHost } from './oidc/host.ts';
import { createInteractions } from './oidc/interactions.ts';
import { createJobs } from './oidc/jobs.ts';
import { onKeyTurn } from './oidc/key-turn.ts';
import { createRequestGuard } from './oidc/request-guard.ts';
import { resourceMetadata } from './oidc/resource-metadata.ts';
import { sessionCookie } from './oidc/settings.ts';
import { registrationEndpoint } from './registration-site.ts';
import { createSetupDrafts, type SetupDraft } from './setup/drafts.ts';
import { removeOffer } from './setup/offer.ts';
import { setupRoutes } from './setup/routes.ts';
import { createSetup } from './setup/setup.ts';
import { signInPages } from './sign-in-site.ts';
import { startLiveKeys } from './signing/live-keys.ts';
import { createSigningKeys } from './signing/signing-keys.ts';
import { openStores } from './store/open.ts';
import { isUnavailable } from './store/unavailable.ts';
import { serveAssets } from './web/assets.ts';
import { createClientAddress } from './web/client-address.ts';
import { createCsrf } from './web/csrf.ts';
import { errorPages, notFound } from './web/errors.ts';
import { securityHeaders } from './web/headers.ts';
import { createHealth } from './web/health.ts';
import { homePage } from './web/home.ts';
import { hostGuard } from './web/host-guard.ts';
import { isLostConnection } from './web/lost-connection.ts';
import { createPages } from './web/page.ts';
import { probe } from './web/probe.ts';
import { requestLog } from './web/request-log.ts';
import { createViews } from './web/views.ts';

const VIEWS = path.join(import.meta.dirname, '../views');

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * The composition root: the one file that knows every part. It decides nothing.
 * @throws {OperatorProblem} when the installation is not usable
 */
export async function createApp(config: Config, { log, clock: own = systemClock }: { log: Logger; clock?: Clock }) {
  const { issuer, siteName, lifetimes, levels: levelPolicy, folders, signUp } = config;
  const https = issuer.startsWith('https:');
  const opened = await openStores({ ...storeOptions(config), clock: own });
  // Corrected by the database's, where instances share one.
  const { clock } = opened;
  const passwords = createPasswords(config.password);
  const metrics = createMetrics({
    ...{ version: packageFile.version, clock },
    gauges: { passwordQueue: passwords.queue, databasePool: opened.pool },
  });
  const stores = observedStores(opened, metrics);
  const { keyring, accounts, consents, artifacts, outbox } = stores;
  const mutualTls = openMutualTls(config, { log, clock });
  const reachable = mutualTls.reachable(stores.registry);
  const registry = withApiKeyClient(withAccountClient(reachable, { issuer, name: siteName }));
  const audit = withSignInsCounted(stores.audit, metrics);

  const signing = createSigningKeys({
    ...{ store: stores.signingKeys, clock, jwksCache: lifetimes.jwksCache, age: config.signingKeyAge },
    retention: signingKeyRetention(config),
  });
  await signing.ensure(BY_SYSTEM);
  const keys = await startLiveKeys({ signing, clock, log });

  const overrideFolder = folders.viewsOverride ?? undefined;
  const views = createViews({ folder: VIEWS, overrideFolder, siteName, issuerHost: new URL(issuer).host });
  const pages = createPages(views);
  const letters = openLetters(config, { views: VIEWS, keyring, log });
  const csrf = createCsrf({ keyring, issuer });
  const defences = createDefences({ config, stores, audit, metrics, clock });
  const { attempts, knownBrowser, passwordPolicy, requestLimits } = defences;
  const factors = createFactors({ config, stores, clock });
  const fetch = createGuardedFetch(config.allowedPrivateNetworks);

  const { current: provider, renew } = startLiveProvider({
    ...{ config, stores, keys, pages, log, metrics, registry, audit, fetch, clock },
    ...{ certificates: mutualTls.offer, polls: requestLimits.polls },
  });

  const interactions = createInteractions({
    ...{ provider, accounts, recoveries: stores.recoveries, audit, levelPolicy, clock },
    progress: stores.progress<Progress>('interaction'),
  });
  const step = {
    knownBrowser,
    interactions,
    accounts,
    passwords,
    ...factors,
    consents,
    attempts,
    audit,
    csrf,
    pages,
    siteName,
    clock,
    links: stores.links,
    mail: config.mail.by !== 'off',
    deletions: stores.deletions,
    recoveries: stores.recoveries,
    deletionGrace: config.deletionGrace,
    signUp,
  };
  const setup = createSetup({
    ...{ ...step, links: stores.setupLinks, passwordPolicy, levelPolicy },
    drafts: createSetupDrafts({ store: stores.progress<SetupDraft>('setup'), totp: factors.totp, clock }),
    onDone: () => removeOffer(folders),
  });

  const health = createHealth({
    parts: {
      database: { check: () => stores.check() },
      ...(config.redis && { redis: { check: () => stores.checkRedis() } }),
      signingKey: { check: () => (keys.current().canSign ? 'ok' : 'missing') },
      migrations: { check: () => stores.migrationState(), keep: MINUTE },
    },
    clock,
  });
  const koa = new Koa();
  const responseFailed = (err: Error) => log[isLostConnection(err) ? 'debug' : 'error']({ err }, 'response failed');
  koa.on('error', responseFailed);
  koa.use(
    requestLog({
      ...{ log, clock, onAnswer: metrics.request },
      clientAddress: createClientAddress(config.trustedProxies),
    }),
  );
  koa.use(mutualTls.read);
  koa.use(securityHeaders({ https }));
  koa.use(errorPages({ pages, log, issuer, isUnavailable, clock }));
  koa.use(probe({ keyring, clock, trustedProxies: config.trustedProxies }));
  // Before the host guard: who watches this process asks it by its own address. Behind a public address there is a proxy,
  // perhaps on this machine, and what it passes on need not show that.
  if (!config.metrics && config.loopback) koa.use(metricsPage(metrics, isFromThisMachine));
  // The page that says that this is not the right address has a stylesheet too.
  koa.use(serveAssets({ folder: VIEWS, overrideFolder }));
  koa.use(hostGuard(issuer, mutualTls.host));
  koa.use(health.routes().routes());
  koa.use(hintedKey(keys));
  const guard = createRequestGuard({
    ...{ limits: requestLimits, registry, provider, sessionCookie: sessionCookie(https).name },
    onRefused: (policy) => metrics.limitHit(`requests-${policy}`),
  });
  koa.use(onKeyTurn(keyring, renew));
  koa.use(oidcHost(provider, guard));
  koa.use(resourceMetadata({ issuer, siteName, cache: lifetimes.jwksCache, certificates: mutualTls.offer }).routes());
  koa.use(registrationEndpoint({ ...stores, ...config, limits: requestLimits, clock, log }).routes());
  koa.use(homePage({ pages, issuer }));
  koa.use(setupRoutes({ setup, csrf, limits: requestLimits, https }).routes());
  koa.use(signInPages({ ...step, registry, passwordPolicy, levelPolicy }).routes());
  const linkDeps = { ...step, limits: requestLimits, passwordPolicy, levelPolicy, https };
  for (const part of linkPages(linkDeps)) koa.use(part.routes());
  koa.use(devicePages({ ...step, issuer, lifetimes, keyring, artifacts, provider }).routes());
  koa.use(
    accountPages({
      ...{ ...step, stores, links: stores.links, artifacts, registry, outbox },
      ...{ issuer, lifetimes, levelPolicy, passwordPolicy },
      provider,
      pending: stores.progress<PendingAuthenticator>('authenticator'),
    }).routes(),
  );
  koa.use(notFound());

  const background = startBackground({
    ...{ stores, clock, log, metrics, audit: config.audit },
    handlers: {
      ...createJobs({ issuer, artifacts, registry, outbox, keys, fetch }),
      ...letters.jobs,
      ...createAskedJobs({ ...stores, owners: accounts }),
    },
  });

  function stopWork(): Promise<void> {
    letters.close();
    return background.stop();
  }

  const watch = new Koa();
  watch.on('error', responseFailed);
  watch.use(health.routes().routes());
  watch.use(metricsPage(metrics, () => true));

  return {
    callback: koa.callback(),
    /** For the listener that asks for certificates. */
    mutualTlsCallback: mutualTls.asked(koa.callback()),
    /** For a listener of its own, which only whoever watches the process can reach. */
    watchCallback: watch.callback(),
    stores,
    worker: background.worker,
    /** Load balancers are told to send nobody any more. */
    leave: health.stopping,
    /** Nothing is done any more that no request asks for. */
    stopWork,
    async close() {
      await stopWork();
      await keys.close();
      mutualTls.close();
      metrics.close();
      await stores.close();
    },
  };
}
