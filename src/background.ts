import type { Clock } from './lib/clock.ts';
import { type Logger, reasonOf } from './lib/log.ts';
import { type Handlers, startWorker, type Worker } from './outbox/worker.ts';
import type { Stores } from './store/open.ts';
import { startResealer } from './store/resealer.ts';
import { startSweeper } from './store/sweeper.ts';

export interface Background {
  worker: Worker;
  stop(): Promise<void>;
}

/** What is done without anybody asking: deliveries, deleting what expired, sealing anew, noticing a changed keyring. */
export function startBackground({
  stores,
  handlers,
  clock,
  log,
}: {
  stores: Stores;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
}): Background {
  const { keyring } = stores;
  const worker = startWorker({ outbox: stores.outbox, clock, log, handlers });
  const sweeper = startSweeper({ sweep: stores.sweep, clock, log });
  keyring.watch({
    changed: (keyIds) => log.info({ keyIds }, 'the keyring has changed'),
    failed: (problem) => log.error({ reason: reasonOf(problem) }, 'the keyring cannot be read again'),
  });
  const resealer = startResealer({
    ...{ resealing: stores.resealing, keyring, clock, log },
    alone: (work) => stores.alone('reseal', work),
  });

  return {
    worker,
    async stop() {
      await sweeper.stop();
      await resealer.stop();
      await worker.stop();
    },
  };
}
