import { startDeletions } from './accounts/deletion.ts';
import { headsTo } from './audit/heads.ts';
import { startAuditPruner } from './audit/pruner.ts';
import { startAuditSealer } from './audit/sealer.ts';
import type { Config } from './config/config.ts';
import { BY_SYSTEM } from './lib/by.ts';
import type { Clock } from './lib/clock.ts';
import { type Logger, reasonOf } from './lib/log.ts';
import type { Metrics } from './metrics/metrics.ts';
import { type Handlers, startWorker, type Worker } from './outbox/worker.ts';
import type { Stores } from './store/open.ts';
import { startResealer } from './store/resealer.ts';
import { startSweeper } from './store/sweeper.ts';

export interface Background {
  worker: Worker;
  stop(): Promise<void>;
}

/** What is done without anybody asking: deliveries, sealing the audit trail, deleting what expired and who wished it, sealing anew, noticing a changed keyring. */
export function startBackground({
  stores,
  handlers,
  audit,
  metrics,
  clock,
  log,
}: {
  stores: Stores;
  audit: Config['audit'];
  metrics: Pick<Metrics, 'jobGivenUp'>;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
}): Background {
  const { keyring } = stores;
  const worker = startWorker({
    ...{ outbox: stores.outbox, clock, log, handlers },
    onGivenUp: metrics.jobGivenUp,
  });
  const deletions = startDeletions({ deletions: stores.deletions, by: BY_SYSTEM, clock, log });
  const sweeper = startSweeper({ sweep: stores.sweep, clock, log });
  keyring.watch({
    changed: (keyIds) => log.info({ keyIds }, 'the keyring has changed'),
    failed: (problem) => log.error({ reason: reasonOf(problem) }, 'the keyring cannot be read again'),
  });
  const resealer = startResealer({
    ...{ resealing: stores.resealing, keyring, clock, log },
    alone: (work) => stores.alone('reseal', work),
  });

  const auditSealer = startAuditSealer({
    ...{ trail: stores.auditTrail, log },
    emit: headsTo({ file: audit.headFile, log }),
  });
  const auditPruner = startAuditPruner({
    ...{ trail: stores.auditTrail, key: stores.lastingKeys.audit, clock, log },
    retention: audit.retention,
  });

  return {
    worker,
    async stop() {
      await sweeper.stop();
      await deletions.stop();
      await resealer.stop();
      await worker.stop();
      await auditPruner.stop();
      await auditSealer.stop();
    },
  };
}
