import type { Clock } from '../lib/clock.ts';
import { DAY, HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import type { Job, Outbox } from './outbox.ts';

export type Handlers = { [Kind in Job['kind']]: (job: Extract<Job, { kind: Kind }>) => Promise<void> };

const EVERY: Milliseconds = 1_000;
const BATCH = 20;
const LEASE: Milliseconds = toMilliseconds(MINUTE);
const FIRST_WAIT: Milliseconds = 5_000;
const LONGEST_WAIT: Milliseconds = toMilliseconds(HOUR);
/** With the waits above, tries go on for about a day. */
const MOST_ATTEMPTS = Math.ceil(toMilliseconds(DAY) / LONGEST_WAIT) + 9;

export interface Worker {
  /** Does what is due now. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

/** Works through the outbox until stopped; several instances may, each job is leased to one. */
export function startWorker({
  outbox,
  handlers,
  clock,
  log,
}: {
  outbox: Outbox;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
}): Worker {
  let running: Promise<void> | null = null;

  async function work(): Promise<void> {
    const jobs = await outbox.take(BATCH, clock() + LEASE);
    for (const { id, job, attempts } of jobs) {
      try {
        await (handlers[job.kind] as (job: Job) => Promise<void>)(job);
        await outbox.done(id);
      } catch (err) {
        const reason = (err as Error).message.slice(0, 200);
        const last = attempts >= MOST_ATTEMPTS;
        log.warn({ job: id, kind: job.kind, attempts, reason, ...(last && { givenUp: true }) }, 'job failed');
        const wait = Math.min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT);
        await (last ? outbox.giveUp(id, reason) : outbox.retry(id, clock() + wait, reason));
      }
    }
    if (jobs.length === BATCH) await work();
  }

  /** Never twice at the same time in one process. */
  function run(): Promise<void> {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  }

  const timer = setInterval(
    () => run().catch((err: unknown) => log.error({ err }, 'the outbox cannot be read')),
    EVERY,
  );
  timer.unref();
  return {
    run,
    async stop() {
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
