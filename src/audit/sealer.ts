import type { Milliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { type Repeated, repeat } from '../lib/repeated.ts';
import type { SignedHead } from './chain.ts';
import type { AuditTrail } from './trail.ts';

/** An event is part of the chain within a second. */
const EVERY: Milliseconds = 500;
/** So few that no request waits for long: in SQLite nothing else is read or written meanwhile. */
const BATCH = 200;

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
}): Repeated {
  let lastReason: string | null = null;

  async function work(): Promise<void> {
    let head: SignedHead | null = null;
    for (let full = true; full && !sealer.stopped; ) {
      const sealed = await trail.seal(BATCH);
      head = sealed?.head ?? head;
      full = sealed?.count === BATCH;
    }
    if (head) emit(head);
    lastReason = null;
  }

  function failed(err: unknown): void {
    const reason = reasonOf(err);
    // Said once, not twice in each second that a database is away.
    if (reason !== lastReason) log.error({ reason }, 'the audit trail cannot be sealed');
    lastReason = reason;
  }

  const sealer = repeat(EVERY, work, failed);
  return sealer;
}
