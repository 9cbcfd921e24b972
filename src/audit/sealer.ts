import type { Milliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import type { SignedHead } from './chain.ts';
import type { AuditTrail } from './trail.ts';

/** An event is part of the chain within a second. */
const EVERY: Milliseconds = 500;
/** So few that no request waits for long: in SQLite nothing else is read or written meanwhile. */
const BATCH = 200;

export interface AuditSealer {
  /** Chains what is not yet. */
  run(): Promise<void>;
  /** Not one batch more. */
  stop(): Promise<void>;
}

/** Chains events behind the back of those who cause them, so that no sign-in waits for another. */
export function startAuditSealer({
  trail,
  emit,
  log,
}: {
  trail: Pick<AuditTrail, 'seal'>;
  /** Takes a head to where whoever changes the database has no hand. */
  emit: (head: SignedHead) => void;
  log: Logger;
}): AuditSealer {
  let running: Promise<void> | null = null;
  let stopped = false;
  let lastReason: string | null = null;

  async function work(): Promise<void> {
    let head: SignedHead | null = null;
    try {
      for (let full = true; full && !stopped; ) {
        const sealed = await trail.seal(BATCH);
        head = sealed?.head ?? head;
        full = sealed?.count === BATCH;
      }
      if (head) emit(head);
      lastReason = null;
    } catch (err) {
      const reason = reasonOf(err);
      // Said once, not twice in each second that a database is away.
      if (reason !== lastReason) log.error({ reason }, 'the audit trail cannot be sealed');
      lastReason = reason;
    }
  }

  /** Never twice at the same time in one process. */
  function run(): Promise<void> {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  }

  const timer = setInterval(run, EVERY);
  timer.unref();
  return {
    run,
    async stop() {
      clearInterval(timer);
      stopped = true;
      await running;
    },
  };
}
