import { createLastUse } from './api-keys/last-use.ts';
import type { ApiKeyStore } from './api-keys/store.ts';
import type { Clock } from './lib/clock.ts';
import { type Logger, reasonOf } from './lib/log.ts';

/** What the token endpoint does with API keys, put together. */
export function apiKeyUse(store: ApiKeyStore, { clock, log }: { clock: Clock; log: Logger }) {
  const onFailed = (err: Error) => log.warn({ reason: reasonOf(err) }, 'the last use of an API key was not written');
  return { store, lastUse: createLastUse({ store, clock, onFailed }) };
}
