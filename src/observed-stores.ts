import type { Metrics } from './metrics/metrics.ts';
import { allObserved, observed } from './metrics/observed.ts';
import { noteUnavailable } from './oidc/unavailable.ts';
import type { Stores } from './store/open.ts';
import { isUnavailable } from './store/unavailable.ts';

/** The stores, each call of them timed, and the request marked in which one of them was away. */
export function observedStores(opened: Stores, metrics: Metrics): Stores {
  const observer = {
    operation: metrics.storeOperation,
    failed: (err: unknown) => isUnavailable(err) && noteUnavailable(err as Error),
  };
  return {
    ...allObserved(opened, ['keyring', 'resealing'], observer),
    progress: <T>(kind: string) => observed('progress', opened.progress<T>(kind), observer),
  };
}
