import pLimit from 'p-limit';
import type { Clock } from '../lib/clock.ts';
import { DAY, HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { type Repeated, repeat } from '../lib/repeated.ts';
import { inTrace, newTrace } from '../lib/trace.ts';
import type { Job, Outbox, QueuedJob } from './outbox.ts';

export type Handlers = { [Kind in Job['kind']]: (job: Extract<Job, { kind: Kind }>) => Promise<void> };

const EVERY: Milliseconds = 1_000;
const BATCH = 20;
const LEASE: Milliseconds = toMilliseconds(MINUTE);
/** Nothing of a batch is begun later: it ends within its lease, and a slow application soon gives way to the next. */
const BEGIN_WITHIN: Milliseconds = 15_000;
/** Applications that are spoken to at once. */
const AT_ONCE = 8;
const FIRST_WAIT: Milliseconds = 5_000;
const LONGEST_WAIT: Milliseconds = toMilliseconds(HOUR);
/** With the waits above, tries go on for about a day. */
const MOST_ATTEMPTS = Math.ceil(toMilliseconds(DAY) / LONGEST_WAIT) + 9;

/** An application that failed: its other jobs are postponed untried until it may have recovered. */
interface Pause {
  failures: number;
  until: Milliseconds;
  reason: string;
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
}): Repeated {
  const turn = pLimit(AT_ONCE);
  const resting = new Map<string, Pause>();

  async function work(): Promise<void> {
    for (let full = true; full && !worker.stopped; ) {
      const start = clock();
      const jobs = await outbox.take(BATCH, start + LEASE);
      await finish(jobs, start + BEGIN_WITHIN);
      full = jobs.length === BATCH;
    }
  }

  /** What needs no application comes first; then each application gets its own one after another, beside the others. */
  async function finish(jobs: QueuedJob[], beginBefore: Milliseconds): Promise<void> {
    const lanes = Map.groupBy(jobs, ({ job }) => applicationOf(job));
    await inTurn(null, lanes.get(null) ?? [], beginBefore);
    lanes.delete(null);
    const results = await Promise.allSettled(
      [...lanes].map(([clientId, lane]) => turn(() => inTurn(clientId, lane, beginBefore))),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async function inTurn(clientId: string | null, lane: QueuedJob[], beginBefore: Milliseconds): Promise<void> {
    for (const queued of lane) {
      const pause = clientId === null ? undefined : resting.get(clientId);
      if (worker.stopped || clock() >= beginBefore) {
        await outbox.retry(queued.id, clock(), 'not begun yet');
      } else if (pause && clock() < pause.until) {
        await postpone(queued, pause.until, pause.reason, 'job postponed untried');
      } else {
        await inTrace(newTrace(), () => attempt(queued, clientId));
      }
    }
  }

  async function attempt(queued: QueuedJob, clientId: string | null): Promise<void> {
    const { id, job, attempts } = queued;
    try {
      await (handlers[job.kind] as (job: Job) => Promise<void>)(job);
    } catch (err) {
      const reason = (err as Error).message.slice(0, 200);
      const until = clientId === null ? 0 : rest(clientId, reason);
      // Behind those that wait untried: a job that always fails must not keep them from their turn.
      await postpone(queued, Math.max(clock() + waitAfter(attempts), until + 1), reason, 'job failed');
      return;
    }
    if (clientId !== null) resting.delete(clientId);
    await outbox.done(id);
    log.debug({ job: id, kind: job.kind, attempts }, 'job done');
  }

  /** @returns when this application is tried again */
  function rest(clientId: string, reason: string): Milliseconds {
    const failures = (resting.get(clientId)?.failures ?? 0) + 1;
    const until = clock() + waitAfter(failures);
    resting.set(clientId, { failures, until, reason });
    return until;
  }

  async function postpone(
    { id, job: { kind }, attempts }: QueuedJob,
    dueAt: Milliseconds,
    reason: string,
    message: string,
  ): Promise<void> {
    const last = attempts >= MOST_ATTEMPTS;
    log.warn({ job: id, kind, attempts, reason, ...(last && { givenUp: true }) }, message);
    await (last ? outbox.giveUp(id, reason) : outbox.retry(id, dueAt, reason));
  }

  const worker = repeat(EVERY, work, (err) =>
    log.error({ reason: reasonOf(err) }, 'the outbox cannot be worked through'),
  );
  return worker;
}

/** The application that a job speaks to, null for what we do ourselves. */
function applicationOf(job: Job): string | null {
  return job.kind === 'backchannel-logout' ? job.clientId : null;
}

function waitAfter(failures: number): Milliseconds {
  return Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
}
