import { DAY, MINUTE, type Seconds } from '../lib/duration.ts';
import type { envReader } from './env.ts';

export interface RequestLimits {
  perAddress: number;
  perClient: number;
  perAccount: number;
  clientFailures: number;
}

export interface LimitsConfig {
  passwords: number;
  codes: number;
  perAddress: number;
  letters: number;
  window: Seconds;
  /** Accounts at which one password, and one address, may be wrong within an hour. */
  spraying: { perPassword: number; perAddress: number };
  /** Requests in a minute: without a person or a client that proved who it is, and of those that did. */
  requests: RequestLimits;
}

/** Up to what people and programs may try, and ask. */
export function readLimits(read: ReturnType<typeof envReader>): LimitsConfig {
  return {
    passwords: read.int('LIMIT_PASSWORDS', 10, { min: 1, max: 100 }),
    codes: read.int('LIMIT_CODES', 5, { min: 1, max: 10 }),
    perAddress: read.int('LIMIT_PER_ADDRESS', 100, { min: 1, max: 100_000 }),
    letters: read.int('LIMIT_LETTERS', 5, { min: 1, max: 1_000 }),
    window: read.seconds('LIMIT_WINDOW', 15 * MINUTE, { min: MINUTE, max: DAY }),
    spraying: {
      perPassword: read.int('LIMIT_SPRAYED_PASSWORD', 20, { min: 2, max: 1_000_000 }),
      perAddress: read.int('LIMIT_SPRAYING_ADDRESS', 50, { min: 2, max: 1_000_000 }),
    },
    requests: {
      perAddress: read.int('LIMIT_ADDRESS_REQUESTS', 1_000, { min: 10, max: 10_000_000 }),
      perClient: read.int('LIMIT_CLIENT_REQUESTS', 60_000, { min: 10, max: 10_000_000 }),
      perAccount: read.int('LIMIT_ACCOUNT_REQUESTS', 300, { min: 10, max: 10_000_000 }),
      clientFailures: read.int('LIMIT_CLIENT_FAILURES', 60, { min: 1, max: 10_000_000 }),
    },
  };
}
