import path from 'node:path';
import Koa from 'koa';
import { createPasswords } from './accounts/passwords.ts';
import { createRecoveryCodes } from './accounts/recovery-codes.ts';
import { createTotp } from './accounts/totp.ts';
import { type Config, longestLifetime, signingKeyRetention } from './config/config.ts';
import { createConsentStep } from './interaction/consent.ts';
import type { Progress } from './interaction/interaction.ts';
import { createPasswordStep } from './interaction/password.ts';
import { createCodesLeftStep, createRecoveryCodesStep } from './interaction/recovery-codes.ts';
import { interactionRoutes } from './interaction/routes.ts';
import { createSecondFactorSteps } from './interaction/second-factor.ts';
import { createTotpEnrolmentStep } from './interaction/totp-enrolment.ts';
import { BY_SYSTEM } from './lib/by.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { createGuardedFetch } from './lib/guarded-fetch.ts';
import type { Logger } from './lib/log.ts';
import { createAttempts } from './limits/attempts.ts';
import { createAccessTokens } from './oidc/access-tokens.ts';
import { oidcHost } from './oidc/host.ts';
import { createInteractions } from './oidc/interactions.ts';
import { createJobs } from './oidc/jobs.ts';
import { createProvider } from './oidc/provider.ts';
import { createProviderPages } from './oidc/views.ts';
import { startWorker } from './outbox/worker.ts';
import { createSetupDrafts, type SetupDraft } from './setup/drafts.ts';
import { removeOffer } from './setup/offer.ts';
import { setupRoutes } from './setup/routes.ts';
import { createSetup } from './setup/setup.ts';
import { startLiveKeys } from './signing/live-keys.ts';
import { createSigningKeys } from './signing/signing-keys.ts';
import { openStores } from './store/open.ts';
import { startSweeper } from './store/sweeper.ts';
import { serveAssets } from './web/assets.ts';
import { createClientAddress } from './web/client-address.ts';
import { createCsrf } from './web/csrf.ts';
import { errorPages, notFound } from './web/errors.ts';
import { securityHeaders } from './web/headers.ts';
import { healthRoutes } from './web/health.ts';
import { homePage } from './web/home.ts';
import { hostGuard } from './web/host-guard.ts';
import { isLostConnection } from './web/lost-connection.ts';
import { createPages } from './web/page.ts';
import { requestLog } from './web/request-log.ts';
import { createViews } from './web/views.ts';

const VIEWS = path.join(import.meta.dirname, '../views');

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * The composition root: the one file that knows every part. It decides nothing.
 * @throws {OperatorProblem} when the installation is not usable
 */
export async function createApp(config: Config, { log, clock = systemClock }: { log: Logger; clock?: Clock }) {
  const { issuer, siteName, lifetimes, secondFactor, folders } = config;
  const https = issuer.startsWith('https:');
  const stores = await openStores({ issuer, folders, longestLifetime: longestLifetime(config), clock });
  const { keyring, accounts, consents, artifacts, registry, outbox, audit } = stores;

  const signing = createSigningKeys({
    ...{ store: stores.signingKeys, clock, jwksCache: lifetimes.jwksCache },
    retention: signingKeyRetention(config),
  });
  await signing.ensure(BY_SYSTEM);
  const keys = await startLiveKeys({ signing, clock, log });

  const overrideFolder = folders.viewsOverride ?? undefined;
  const views = createViews({ folder: VIEWS, overrideFolder, siteName, issuerHost: new URL(issuer).host });
  const pages = createPages(views);
  const csrf = createCsrf({ key: keyring.subkey('csrf'), issuer });
  const attempts = createAttempts({
    store: stores.attempts,
    limits: config.limits,
    clock,
    key: keyring.subkey('attempts'),
  });
  const passwords = createPasswords(config.password);
  const totp = createTotp({ accounts, clock });
  const recoveryCodes = createRecoveryCodes({ accounts, keyring });
  const fetch = createGuardedFetch(config.allowedPrivateNetworks);

  const providerDeps = {
    ...{ issuer, lifetimes, secondFactor, keyring, accounts, consents, artifacts, registry, outbox, fetch, clock },
    accessTokens: createAccessTokens({ issuer, keys }),
    pages: createProviderPages(pages, async (id) => (await accounts.find(id))?.email ?? null),
    events: {
      refused: (ctx: Koa.Context, error: string, detail: string | undefined) =>
        log.info({ requestId: ctx.response.get('x-request-id'), error, detail }, 'request refused'),
      failed: (ctx: Koa.Context, err: Error) =>
        log.error({ requestId: ctx.response.get('x-request-id'), err }, 'request failed'),
    },
  };
  let provider = createProvider(keys.current(), providerDeps);
  keys.onChange((set) => {
    provider = createProvider(set, providerDeps);
  });

  const interactions = createInteractions({
    ...{ provider: () => provider, accounts, audit, secondFactor },
    progress: stores.progress<Progress>('interaction'),
  });
  const step = {
    interactions,
    accounts,
    passwords,
    totp,
    recoveryCodes,
    consents,
    attempts,
    audit,
    csrf,
    pages,
    siteName,
    clock,
  };
  const secondFactorSteps = createSecondFactorSteps(step);
  const setup = createSetup({
    ...{ ...step, links: stores.setupLinks },
    drafts: createSetupDrafts({ store: stores.progress<SetupDraft>('setup'), totp, clock }),
    onDone: () => removeOffer(folders),
  });

  const koa = new Koa();
  koa.on('error', (err) => log[isLostConnection(err) ? 'debug' : 'error']({ err }, 'response failed'));
  koa.use(requestLog({ log, clock, clientAddress: createClientAddress(config.trustedProxies) }));
  koa.use(securityHeaders({ https }));
  koa.use(errorPages({ pages, log, issuer, clock }));
  koa.use(hostGuard(issuer));
  koa.use(healthRoutes({ isReady: () => stores.isReady() }).routes());
  koa.use(serveAssets({ folder: VIEWS, overrideFolder }));
  koa.use(oidcHost(() => provider));
  koa.use(homePage({ pages, issuer }));
  koa.use(setupRoutes({ setup, csrf, https }).routes());
  koa.use(
    interactionRoutes({
      ...{ interactions, csrf, pages, recoveryCode: secondFactorSteps.recoveryCode },
      steps: {
        password: createPasswordStep(step),
        totp: secondFactorSteps.totp,
        'totp-enrolment': createTotpEnrolmentStep(step),
        'recovery-codes': createRecoveryCodesStep(step),
        'recovery-codes-left': createCodesLeftStep(step),
        consent: createConsentStep(step),
      },
    }).routes(),
  );
  koa.use(notFound());

  const worker = startWorker({
    outbox,
    clock,
    log,
    handlers: createJobs({ issuer, artifacts, registry, outbox, keys, fetch }),
  });
  const sweeper = startSweeper({ sweep: stores.sweep, clock, log });

  return {
    callback: koa.callback(),
    stores,
    worker,
    async close() {
      sweeper.stop();
      await worker.stop();
      keys.close();
      await stores.close();
    },
  };
}
