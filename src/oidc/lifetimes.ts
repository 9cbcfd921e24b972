import type { Seconds } from '../lib/duration.ts';

export interface Lifetimes {
  accessToken: Seconds;
  idToken: Seconds;
  session: Seconds;
  sessionIdle: Seconds;
  refreshToken: Seconds;
  refreshTokenIdle: Seconds;
  interaction: Seconds;
  jwksCache: Seconds;
}
