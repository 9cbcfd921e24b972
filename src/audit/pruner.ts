import { BY_SYSTEM } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { HOUR, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { repeat } from '../lib/repeated.ts';
import { pruneTrail } from './prune.ts';
import type { AuditTrail } from './trail.ts';

const EVERY: Milliseconds = toMilliseconds(HOUR);

export interface AuditPruner {
  /** Cuts off what is too old by now. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

/** @param retention how old entries become; null: as old as they like */
export function startAuditPruner({
  trail,
  key,
  retention,
  clock,
  log,
}: {
  trail: AuditTrail;
  key: Buffer;
  retention: Seconds | null;
  clock: Clock;
  log: Logger;
}): AuditPruner {
  if (retention === null) return { run: async () => {}, stop: async () => {} };
  const age = toMilliseconds(retention);

  async function work(): Promise<void> {
    const entries = await pruneTrail({ trail, key }, clock() - age, BY_SYSTEM);
    if (entries > 0) log.info({ entries }, 'old entries of the audit trail were removed');
  }

  const pruner = repeat(EVERY, work, (err) =>
    log.error({ reason: reasonOf(err) }, 'old entries of the audit trail cannot be removed'),
  );
  void pruner.run();
  return pruner;
}
