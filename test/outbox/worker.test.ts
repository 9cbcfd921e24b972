import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DAY, HOUR, MINUTE, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';
import type { Logger } from '../../src/lib/log.ts';
import { Hopeless, type Job, type NewJob } from '../../src/outbox/outbox.ts';
import { type Handlers, startWorker } from '../../src/outbox/worker.ts';
import { openTestStores, type TestStores } from '../support/stores.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const logout = (clientId: string, sid = 's') =>
  ({ kind: 'backchannel-logout', clientId, accountId: 'acc_ada', sid }) satisfies Job;
const logouts = (clientId: string, count: number) =>
  Array.from({ length: count }, (_, index) => logout(clientId, String(index)));
const nameOf = (job: Job) => ('sid' in job ? `${job.clientId}/${job.sid}` : job.kind);

/** A worker on a real outbox; `work` is what each job does. */
async function started(work: (name: string, clientId: string | null) => Promise<void> | void, jobs: NewJob[]) {
  const stores = await openTestStores();
  for (const job of jobs) await stores.outbox.add(job);
  const begun: string[] = [];
  const logged: Record<string, unknown>[] = [];
  async function handle(job: Job): Promise<void> {
    begun.push(nameOf(job));
    await work(nameOf(job), job.kind === 'backchannel-logout' ? job.clientId : null);
  }
  const handlers: Handlers = {
    'end-account': handle,
    'end-client': handle,
    'end-access': handle,
    'account-news': handle,
    'security-event': handle,
    'backchannel-logout': handle,
    'link-asked': handle,
    mail: handle,
  };
  const told: string[] = [];
  const onGivenUp = (kind: string) => void told.push(kind);
  const warn = (fields: Record<string, unknown>) => void logged.push(fields);
  const log = { warn, debug: () => undefined } as unknown as Logger;
  const worker = startWorker({ outbox: stores.outbox, clock: stores.clock, log, handlers, onGivenUp });
  onTestFinished(() => worker.stop());
  return { ...stores, worker, begun, logged, told };
}

/** What is in the queue, and in how many seconds it is due. */
async function queue({ rows, clock }: Pick<TestStores, 'rows' | 'clock'>): Promise<[string, Seconds][]> {
  return (await rows('OutboxMessage'))
    .filter((row) => row['doneAt'] === null)
    .map((row) => {
      const job = { kind: row['kind'], ...JSON.parse(String(row['payload'])) } as Job;
      const dueAt = new Date(row['dueAt'] as string | number).getTime();
      return [nameOf(job), Math.round((dueAt - clock()) / 1000)] as [string, Seconds];
    })
    .sort();
}

/** Calls that wait until the test lets them go. */
function gate() {
  const open = new Map<string, () => void>();
  return {
    wait: (name: string) => new Promise<void>((resolve) => void open.set(name, resolve)),
    waiting: () => [...open.keys()].sort(),
    until: (count: number) => vi.waitUntil(() => open.size === count, { interval: 1 }),
    release(name: string) {
      open.get(name)?.();
      open.delete(name);
    },
  };
}

describe('the worker', () => {
  it('does our own clean-up first, whatever was queued before', async () => {
    const clean: NewJob[] = [
      { kind: 'end-account', accountId: 'acc_ada', before: 1 },
      { kind: 'end-client', clientId: 'web', before: 1 },
    ];
    const { worker, begun } = await started(() => undefined, [...logouts('web', 3), ...clean]);
    await worker.run();
    expect(begun.slice(0, 2).sort()).toEqual(['end-account', 'end-client']);
    expect(begun).toHaveLength(5);
  });

  it('speaks to several applications at once, but to each about one thing at a time', async () => {
    const { wait, waiting, until, release } = gate();
    const jobs = ['a', 'b', 'c'].flatMap((clientId) => logouts(clientId, 2));
    const { worker, begun } = await started(wait, jobs);
    const done = worker.run();
    await until(3);
    const [first] = waiting();
    expect(waiting().map((name) => name[0])).toEqual(['a', 'b', 'c']);
    release(first ?? '');
    await until(3);
    expect(begun.map((name) => name[0])).toEqual(['a', 'b', 'c', 'a']);
    for (let left = 5; left > 0; left -= 1) {
      await vi.waitUntil(() => waiting().length > 0, { interval: 1 });
      release(waiting()[0] ?? '');
    }
    await done;
    expect(begun).toHaveLength(6);
  });

  it('speaks to no more applications at once than it can afford', async () => {
    let now = 0;
    let most = 0;
    const jobs = Array.from({ length: 20 }, (_, index) => logout(`c${index}`));
    const { worker, begun } = await started(async () => {
      now += 1;
      most = Math.max(most, now);
      await setTimeout(5);
      now -= 1;
    }, jobs);
    await worker.run();
    expect([begun.length, most]).toEqual([20, 8]);
  });

  it('tries an application that does not answer once, however much there is to tell it, and delays nobody else', async () => {
    const cleaning: NewJob = { kind: 'end-account', accountId: 'acc_ada', before: 1 };
    const { worker, begun, ...stores } = await started(
      (_name, clientId) => {
        if (clientId === 'dead') throw new Error('no answer');
      },
      [...logouts('dead', 50), logout('alive'), cleaning],
    );
    await worker.run();
    expect(begun.filter((name) => name.startsWith('dead'))).toHaveLength(1);
    expect(begun).toContain('alive/s');
    expect(begun).toContain('end-account');
    expect((await queue(stores)).map(([, dueIn]) => dueIn)).toEqual(Array(50).fill(5));

    // It is tried less and less often, and what comes new waits as well.
    for (const wait of [5, 10, 20]) {
      const before = begun.length;
      stores.clock.forward(wait);
      await worker.run();
      expect(begun.length).toBe(before + 1);
    }
    await stores.outbox.add(logout('dead', 'new'));
    await worker.run();
    expect(begun).not.toContain('dead/new');
    expect(await queue(stores)).toContainEqual(['dead/new', 40]);
  });

  it('tells an application all the rest as soon as it answers again', async () => {
    let down = true;
    const { worker, begun, ...stores } = await started(
      () => {
        if (down) throw new Error('no answer');
      },
      logouts('web', 5),
    );
    await worker.run();
    down = false;
    stores.clock.forward(6);
    await worker.run();
    expect(new Set(begun).size).toBe(5);
    expect(begun).toHaveLength(6);
    expect(await queue(stores)).toEqual([]);
  });

  it('lets one job that always fails hold up the others of its application for a moment only', async () => {
    const { worker, begun, ...stores } = await started(
      (name) => {
        if (name === 'web/0') throw new Error('never heard of that session');
      },
      logouts('web', 5),
    );
    for (let round = 0; round < 3; round += 1) {
      await worker.run();
      stores.clock.forward(5);
    }
    expect(new Set(begun).size).toBe(5);
    expect((await queue(stores)).map(([name]) => name)).toEqual(['web/0']);
  });

  it('gives up after about a day, also what was never tried since the application never answered', async () => {
    const { worker, begun, logged, ...stores } = await started(
      () => {
        throw new Error('no answer');
      },
      logouts('gone', 3),
    );
    for (let passed = 0; passed < 2 * DAY; passed += 5 * MINUTE) {
      await worker.run();
      if (passed < 20 * HOUR) expect(await queue(stores)).toHaveLength(3);
      stores.clock.forward(5 * MINUTE);
    }
    expect(await queue(stores)).toEqual([]);
    expect(logged.filter(({ givenUp }) => givenUp)).toHaveLength(3);
    expect(begun.length).toBeLessThan(50);
  });

  it('begins nothing so late that its lease could end first, and does it later, once', async () => {
    const clocks: number[] = [];
    const { worker, begun, ...stores } = await started(
      () => {
        clocks.push(stores.clock());
        stores.clock.forward(4.9);
      },
      logouts('slow', 20),
    );
    const take = vi.spyOn(stores.outbox, 'take');
    while ((await queue(stores)).length > 0) await worker.run();
    expect([begun.length, new Set(begun).size]).toEqual([20, 20]);

    const leases = take.mock.calls.map(([, leaseUntil]) => leaseUntil);
    expect(leases.length).toBeGreaterThan(2);
    for (const begunAt of clocks) {
      const lease = leases.findLast((leaseUntil) => leaseUntil - toMilliseconds(MINUTE) <= begunAt);
      expect(begunAt + 5000).toBeLessThan(lease ?? 0);
    }
  });

  it('stops as soon as what is under way ends, and leaves the rest to the next at once', async () => {
    const { wait, until, waiting, release } = gate();
    const cleaning: NewJob = { kind: 'end-account', accountId: 'acc_ada', before: 1 };
    const jobs = [...logouts('a', 3), ...logouts('b', 3), ...logouts('c', 30)];
    const { worker, begun, ...stores } = await started(wait, jobs);
    void worker.run();
    await vi.waitUntil(() => waiting().length > 1, { interval: 1 });
    const underWay = waiting();
    await stores.outbox.add(cleaning);
    let isStopped = false;
    const stopping = worker.stop().then(() => {
      isStopped = true;
    });
    await setTimeout(20);
    expect(isStopped).toBe(false);
    for (const name of underWay) release(name);
    await stopping;
    await until(0);
    expect(begun.toSorted()).toEqual(underWay);
    expect((await queue(stores)).map(([, dueIn]) => dueIn)).toEqual(Array(jobs.length + 1 - underWay.length).fill(0));
  });

  it('gives up at once what is hopeless, and lets nobody wait for it', async () => {
    const { worker, begun, logged, told, ...stores } = await started(
      (name) => {
        if (name === 'web/0') throw new Hopeless('no such session');
      },
      logouts('web', 3),
    );
    await worker.run();
    expect(begun).toEqual(['web/0', 'web/1', 'web/2']);
    expect(logged).toEqual([expect.objectContaining({ attempts: 1, reason: 'no such session', givenUp: true })]);
    expect(told).toEqual(['backchannel-logout']);
    expect(await queue(stores)).toEqual([]);
    expect(await stores.rows('OutboxMessage')).toMatchObject([{ lastError: 'no such session' }]);
  });

  it('leaves a receiver that is slow to itself after a while, and tells the others what came meanwhile', async () => {
    const { wait, waiting, until, release } = gate();
    const { worker, begun, ...stores } = await started(
      (name) => (name.startsWith('slow') ? wait(name) : undefined),
      [logout('slow', '1')],
    );
    const tick = () => vi.advanceTimersByTimeAsync(1000);
    await tick();
    await until(1);
    await stores.outbox.add(logout('slow', '2'));
    await stores.outbox.add(logout('quick'));
    await vi.waitUntil(
      async () => {
        await tick();
        return begun.includes('quick/s');
      },
      { timeout: 10_000 },
    );
    expect([begun, waiting()]).toEqual([['slow/1', 'quick/s'], ['slow/1']]);
    expect(await queue(stores)).toContainEqual(['slow/2', 5]);
    release('slow/1');
    stores.clock.forward(5);
    const done = worker.run();
    await until(1);
    release('slow/2');
    await done;
    expect(await queue(stores)).toEqual([]);
  });

  it('counts no attempt for what only waits for another to the same receiver', async () => {
    const { wait, until, release } = gate();
    const { worker, logged, ...stores } = await started(
      (name) => {
        if (name === 'slow/2') throw new Error('try again later');
        return wait(name);
      },
      [logout('slow', '1')],
    );
    await vi.advanceTimersByTimeAsync(1000);
    await until(1);
    await stores.outbox.add(logout('slow', '2'));
    for (let round = 0; round < 3; round += 1) {
      await vi.waitUntil(
        async () => {
          await vi.advanceTimersByTimeAsync(1000);
          return (await queue(stores)).some(([name, dueIn]) => name === 'slow/2' && dueIn === 5);
        },
        { timeout: 10_000 },
      );
      stores.clock.forward(5);
    }
    release('slow/1');
    await worker.run();
    expect(logged).toEqual([expect.objectContaining({ reason: 'try again later', attempts: 1 })]);
  });

  it('keeps to one round at a time when the database refuses in the middle of one', async () => {
    const { wait, until, release } = gate();
    const { worker, outbox } = await started(
      (name) => (name === 'b/s' ? wait(name) : undefined),
      [logout('a'), logout('b')],
    );
    vi.spyOn(outbox, 'done').mockRejectedValueOnce(new Error('disk full'));
    const outcome = worker.run().catch((err: Error) => err.message);
    await until(1);
    await setTimeout(20);
    expect(worker.run()).toBe(worker.run());
    release('b/s');
    expect(await outcome).toBe('disk full');
  });
});
