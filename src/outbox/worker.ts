import pLimit from 'p-limit';
import type { Clock } from '../lib/clock.ts';
import { DAY, HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { inTrace, newTrace } from '../lib/trace.ts';
import { Hopeless, type Job, type Outbox, type QueuedJob } from './outbox.ts';

export type Handlers = { [Kind in Job['kind']]: (job: Extract<Job, { kind: Kind }>, id: string) => Promise<void> };

const EVERY: Milliseconds = 1_000;
const BATCH = 20;
const LEASE: Milliseconds = toMilliseconds(MINUTE);
/** Nothing of a batch is begun later: it ends within its lease, and a slow receiver soon gives way to the next. */
const BEGIN_WITHIN: Milliseconds = 15_000;
/** From then on, who is still being told goes on alone, and the next batch is begun. */
const PATIENCE: Milliseconds = 1_000;
/** What comes for somebody who is still being told waits so long. */
const ASIDE: Milliseconds = 5_000;
/** Applications, and domains that get mail, that are spoken to at once: neither takes the places of the other. */
const AT_ONCE = 8;
const FIRST_WAIT: Milliseconds = 5_000;
const LONGEST_WAIT: Milliseconds = toMilliseconds(HOUR);
/** With the waits above, tries go on for about a day. */
const MOST_ATTEMPTS = Math.ceil(toMilliseconds(DAY) / LONGEST_WAIT) + 9;

export interface Worker {
  /** Does what is due now. */
  run(): Promise<void>;
  /** Begins nothing more, and waits for what is under way. */
  stop(): Promise<void>;
}

/** A receiver that failed: its other jobs are postponed untried until it may have recovered. */
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
  onGivenUp,
}: {
  outbox: Outbox;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
  onGivenUp: (kind: Job['kind']) => void;
}): Worker {
  let running: Promise<void> | null = null;
  let looking: Promise<void> | null = null;
  let stopped = false;
  const turns = { application: pLimit(AT_ONCE), mail: pLimit(AT_ONCE) };
  const resting = new Map<string, Pause>();
  /** The receivers that are being told something. */
  const busy = new Map<string, Promise<void>>();

  async function work(patience: Milliseconds): Promise<void> {
    for (let full = true; full && !stopped; ) {
      const start = clock();
      const jobs = await outbox.take(BATCH, start + LEASE);
      await finish(jobs, start + BEGIN_WITHIN, patience);
      full = jobs.length === BATCH;
    }
  }

  /** What needs nobody else comes first; then each receiver gets its own one after another, beside the others. */
  async function finish(jobs: QueuedJob[], beginBefore: Milliseconds, patience: Milliseconds): Promise<void> {
    const lanes = Map.groupBy(jobs, ({ job }) => receiverOf(job));
    await inTurn(null, lanes.get(null) ?? [], beginBefore);
    lanes.delete(null);
    const begun: Promise<void>[] = [];
    for (const [receiver, lane] of lanes as Map<string, QueuedJob[]>) {
      if (busy.has(receiver)) for (const { id } of lane) await outbox.putBack(id, clock() + ASIDE);
      else begun.push(begin(receiver, lane, beginBefore));
    }
    const over = Promise.allSettled(begun);
    const results = await within(patience, over);
    if (results === null) void over.then((late) => late.forEach(reportFailure));
    for (const result of results ?? []) if (result.status === 'rejected') throw result.reason;
  }

  function begin(receiver: string, lane: QueuedJob[], beginBefore: Milliseconds): Promise<void> {
    const turn = isMailTo(receiver) ? turns.mail : turns.application;
    const told = turn(() => inTurn(receiver, lane, beginBefore)).finally(() => busy.delete(receiver));
    busy.set(receiver, told);
    return told;
  }

  function reportFailure(result: PromiseSettledResult<void>): void {
    if (result.status === 'rejected') log.error({ err: result.reason }, 'the outbox cannot be written');
  }

  async function inTurn(receiver: string | null, lane: QueuedJob[], beginBefore: Milliseconds): Promise<void> {
    for (const queued of lane) {
      const pause = receiver === null ? undefined : resting.get(receiver);
      if (stopped || clock() >= beginBefore) {
        await outbox.putBack(queued.id, clock());
      } else if (pause && clock() < pause.until) {
        await postpone(queued, pause.until, pause.reason, 'job postponed untried');
      } else {
        await inTrace(newTrace(), () => attempt(queued, receiver));
      }
    }
  }

  async function attempt(queued: QueuedJob, receiver: string | null): Promise<void> {
    const { id, job, attempts } = queued;
    try {
      await (handlers[job.kind] as (job: Job, id: string) => Promise<void>)(job, id);
    } catch (err) {
      const reason = (err as Error).message.slice(0, 200);
      if (err instanceof Hopeless) return giveUp(queued, reason, 'job failed');
      const until = receiver === null ? 0 : rest(receiver, reason);
      // Behind those that wait untried: a job that always fails must not keep them from their turn.
      await postpone(queued, Math.max(clock() + waitAfter(attempts), until + 1), reason, 'job failed');
      return;
    }
    if (receiver !== null) resting.delete(receiver);
    await outbox.done(id);
    log.debug({ job: id, kind: job.kind, attempts }, 'job done');
  }

  /** @returns when this receiver is tried again */
  function rest(receiver: string, reason: string): Milliseconds {
    const failures = (resting.get(receiver)?.failures ?? 0) + 1;
    const until = clock() + waitAfter(failures);
    resting.set(receiver, { failures, until, reason });
    return until;
  }

  async function postpone(queued: QueuedJob, dueAt: Milliseconds, reason: string, message: string): Promise<void> {
    const { id, job, attempts } = queued;
    if (attempts >= MOST_ATTEMPTS) return giveUp(queued, reason, message);
    log.warn({ job: id, kind: job.kind, attempts, reason }, message);
    await outbox.retry(id, dueAt, reason);
  }

  async function giveUp({ id, job, attempts }: QueuedJob, reason: string, message: string): Promise<void> {
    log.warn({ job: id, kind: job.kind, attempts, reason, givenUp: true }, message);
    await outbox.giveUp(id, reason);
    onGivenUp(job.kind);
  }

  /** Never twice at the same time in one process. */
  function look(patience: Milliseconds): Promise<void> {
    looking ??= work(patience).finally(() => {
      looking = null;
    });
    return looking;
  }

  /** The same, and to its end. */
  function run(): Promise<void> {
    running ??= look(Number.POSITIVE_INFINITY)
      .then(async () => void (await Promise.all(busy.values())))
      .finally(() => {
        running = null;
      });
    return running;
  }

  const timer = setInterval(
    () => look(PATIENCE).catch((err: unknown) => log.error({ err }, 'the outbox cannot be read')),
    EVERY,
  );
  timer.unref();
  return {
    run,
    async stop() {
      clearInterval(timer);
      stopped = true;
      await Promise.allSettled([looking, running]);
      await Promise.allSettled(busy.values());
    },
  };
}

/** Whom a job speaks to, null for what we do ourselves: an application, or the domain that a mail goes to. */
function receiverOf(job: Job): string | null {
  if (job.kind === 'mail') return `mail/${job.to.slice(job.to.lastIndexOf('@') + 1).toLowerCase()}`;
  if (job.kind === 'security-event') return `security-events/${job.clientId}`;
  return job.kind === 'backchannel-logout' ? `application/${job.clientId}` : null;
}

const isMailTo = (receiver: string) => receiver.startsWith('mail/');

/** Null where it takes longer. */
async function within<T>(patience: Milliseconds, work: Promise<T>): Promise<T | null> {
  if (patience === Number.POSITIVE_INFINITY) return work;
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), patience);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function waitAfter(failures: number): Milliseconds {
  return Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
}
