import { createBreachRange } from './accounts/breach-range.ts';
import { createPasswordPolicy } from './accounts/password-policy.ts';
import type { Audit } from './audit/audit.ts';
import type { Config } from './config/config.ts';
import { createBrowserCookie } from './interaction/known-browser.ts';
import type { Clock } from './lib/clock.ts';
import { createAttempts } from './limits/attempts.ts';
import { createKnownBrowsers } from './limits/known-browsers.ts';
import { createRequestLimits } from './limits/request-limits.ts';
import type { Metrics } from './metrics/metrics.ts';
import { withLimitsCounted } from './metrics/outcomes.ts';
import type { Stores } from './store/open.ts';

/** What stands between whoever guesses and an account: counts, browsers that are known, and passwords that are no easy guess. */
export function createDefences({
  config,
  stores,
  audit,
  metrics,
  clock,
}: {
  config: Config;
  stores: Pick<Stores, 'attempts' | 'knownBrowsers' | 'lastingKeys' | 'rates'>;
  audit: Audit;
  metrics: Metrics;
  clock: Clock;
}) {
  const { issuer, siteName, limits, levels, passwordRange } = config;
  const keys = stores.lastingKeys;
  return {
    attempts: withLimitsCounted(createAttempts({ store: stores.attempts, limits, clock, keys }), metrics),
    requestLimits: createRequestLimits({
      ...{ store: stores.rates, limits: limits.requests, key: keys.attempts, clock },
      onSkipped: metrics.uncounted,
    }),
    knownBrowser: createBrowserCookie({
      browsers: createKnownBrowsers({ store: stores.knownBrowsers, trustedFor: levels.trustedBrowser, clock }),
      https: issuer.startsWith('https:'),
    }),
    passwordPolicy: createPasswordPolicy({
      ...{ siteName, issuer, range: passwordRange === null ? null : createBreachRange(passwordRange) },
      rangeFailed: (by) => audit.write({ event: 'password.range_unavailable' }, by),
    }),
  };
}
