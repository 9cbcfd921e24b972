import type { Seconds } from './duration.ts';

/** Where somebody stands in a window, in the words of draft-ietf-httpapi-ratelimit-headers. */
export interface RateStanding {
  policy: string;
  limit: number;
  window: Seconds;
  left: number;
  resetsIn: Seconds;
  over: boolean;
}
