import { DAY, HOUR, MINUTE, type Seconds } from '../lib/duration.ts';
import { LONGEST_ACCESS_TOKEN } from '../lib/token-lifetime.ts';
import type { envReader } from './env.ts';

export interface LifetimesConfig {
  accessToken: Seconds;
  idToken: Seconds;
  sessionIdle: Seconds;
  session: Seconds;
  refreshTokenIdle: Seconds;
  refreshToken: Seconds;
  interaction: Seconds;
  jwksCache: Seconds;
}

/** How long what is issued is good for. */
export function readLifetimes(read: ReturnType<typeof envReader>): LifetimesConfig {
  const lifetimes = {
    accessToken: read.seconds('ACCESS_TOKEN_LIFETIME', 15 * MINUTE, { min: MINUTE, max: LONGEST_ACCESS_TOKEN }),
    idToken: read.seconds('ID_TOKEN_LIFETIME', HOUR, { min: MINUTE, max: DAY }),
    sessionIdle: read.seconds('SESSION_IDLE', 3 * DAY, { min: MINUTE, max: 400 * DAY }),
    session: read.seconds('SESSION_LIFETIME', 14 * DAY, { min: MINUTE, max: 400 * DAY }),
    refreshTokenIdle: read.seconds('REFRESH_TOKEN_IDLE', 14 * DAY, { min: MINUTE, max: 400 * DAY }),
    refreshToken: read.seconds('REFRESH_TOKEN_LIFETIME', 90 * DAY, { min: MINUTE, max: 400 * DAY }),
    interaction: read.seconds('INTERACTION_LIFETIME', 30 * MINUTE, { min: MINUTE, max: DAY }),
    jwksCache: read.seconds('JWKS_CACHE', 10 * MINUTE, { min: 10, max: DAY }),
  };
  read.check(lifetimes.sessionIdle <= lifetimes.session, 'SESSION_IDLE is longer than SESSION_LIFETIME');
  read.check(
    lifetimes.refreshTokenIdle <= lifetimes.refreshToken,
    'REFRESH_TOKEN_IDLE is longer than REFRESH_TOKEN_LIFETIME',
  );
  read.check(lifetimes.interaction <= lifetimes.session, 'INTERACTION_LIFETIME is longer than SESSION_LIFETIME');
  return lifetimes;
}
