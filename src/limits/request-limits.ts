import type { Clock } from '../lib/clock.ts';
import { HOUR, type Seconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import type { RateStanding } from '../lib/rate-standing.ts';
import { createRateLimit } from './rate.ts';
import type { RateStore } from './rate-store.ts';
import { createNames } from './subjects.ts';

/** What a device is told to wait between two questions (RFC 8628 3.2). */
export const POLL_INTERVAL: Seconds = 5;
/** One that comes early by what a network may take is not told to slow down. */
const POLL_WINDOW: Seconds = POLL_INTERVAL - 1;
/** What applications that need no token write of themselves, by the hour. */
const REGISTRATIONS_PER_ADDRESS = 10;

export interface RequestLimitSettings {
  perAddress: number;
  perClient: number;
  perAccount: number;
  clientFailures: number;
}

export type RequestLimits = ReturnType<typeof createRequestLimits>;

/**
 * How much anybody may ask in a minute. Who has proved who it is (an application by its secret, a person by a session) is
 * counted by itself and afterwards, so that it waits for nobody's count and for nobody behind the same address.
 */
export function createRequestLimits({
  store,
  limits,
  key,
  clock,
  onSkipped,
}: {
  store: RateStore;
  limits: RequestLimitSettings;
  key: Buffer;
  clock: Clock;
  onSkipped: () => void;
}) {
  const names = createNames(key);
  const of = (name: string, limit: number) => createRateLimit({ store, name, limit, clock, onSkipped });
  const addresses = of('address', limits.perAddress);
  const clients = of('client', limits.perClient);
  const accounts = of('account', limits.perAccount);
  const failures = of('client-failures', limits.clientFailures);
  const polls = createRateLimit({ store, name: 'device-poll', limit: 1, window: POLL_WINDOW, clock, onSkipped });
  const registrations = createRateLimit({
    ...{ store, name: 'registration', limit: REGISTRATIONS_PER_ADDRESS, window: HOUR, clock, onSkipped },
  });
  // What calls itself a client may have a name as long as a body.
  const failing = (clientId: string, address: string) => `${names.client(clientId)}@${names.address(address)}`;

  return {
    /** Counts a request, each endpoint by itself. Null: it passes uncounted. */
    address: (use: string, address: string): Promise<RateStanding | null> =>
      addresses.count(`${use}@${names.address(address)}`),
    /** Where a client stands that proved who it is; null where this process has not seen it this minute. */
    client: (clientId: string): RateStanding | null => clients.known(clientId),
    countClient: (clientId: string): void => void clients.count(clientId),
    /** The same for a person who is signed in. */
    account: (accountId: string): RateStanding | null => accounts.known(accountId),
    countAccount: (accountId: string): void => void accounts.count(accountId),
    /** Wrong proofs of one client from one address: others cannot shut a client out by them. */
    failures: (clientId: string, address: string): RateStanding | null => failures.known(failing(clientId, address)),
    /** Counts what anybody may have written down of an application. Null: it passes uncounted. */
    registrations: (address: string): Promise<RateStanding | null> => registrations.count(names.address(address)),
    /** How often a device has asked lately whether its person has answered. Null: it passes uncounted. */
    polls: (deviceCode: string): Promise<RateStanding | null> => polls.count(sha256(deviceCode)),
    countFailure: (clientId: string, address: string): void => void failures.count(failing(clientId, address)),
  };
}
