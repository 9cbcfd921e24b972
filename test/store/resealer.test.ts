import { describe, expect, it, onTestFinished } from 'vitest';
import { HOUR } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Resealed, Resealing } from '../../src/store/reseal.ts';
import { startResealer } from '../../src/store/resealer.ts';
import { sealedInstallation } from './sealed-installation.ts';

async function started(run?: Resealing['run']) {
  const installation = await sealedInstallation('sqlite');
  const { stores, clock } = installation;
  const logged: string[] = [];
  const runs: Resealed[] = [];
  const resealing: Resealing = {
    ...stores.resealing,
    async run(options) {
      const resealed = await (run ?? stores.resealing.run)(options);
      runs.push(resealed);
      return resealed;
    },
  };
  const resealer = startResealer({
    ...{ resealing, keyring: stores.keyring, clock },
    alone: (work) => work(),
    log: createLog('info', { write: (line: string) => void logged.push(line) }),
  });
  onTestFinished(() => resealer.stop());
  return { ...installation, resealer, logged, runs };
}

describe('a running server', () => {
  it('looks at nothing while there is one key', async () => {
    const { resealer, runs } = await started();
    await resealer.run();
    expect(runs).toEqual([]);
  });

  it('finishes what a command left, says so, and rests until an hour has passed or a key comes', async () => {
    const { resealer, rotate, runs, logged, clock } = await started();
    rotate();
    await Promise.all([resealer.run(), resealer.run()]);
    expect(runs).toEqual([{ done: 4, unreadable: 0 }]);
    expect(logged.join()).toContain('"records":4');
    for (let minute = 0; minute < 3; minute += 1) await resealer.run();
    expect(runs).toHaveLength(2);
    clock.forward(HOUR);
    await resealer.run();
    expect(runs).toHaveLength(3);
    rotate();
    await resealer.run();
    expect(runs.at(-1)).toEqual({ done: 4, unreadable: 0 });
  });

  it('tries again where it failed, and says why', async () => {
    let tries = 0;
    const { resealer, rotate, logged } = await started(async () => {
      tries += 1;
      throw new Error('no connection');
    });
    rotate();
    await resealer.run();
    await resealer.run();
    expect(tries).toBe(2);
    expect(logged.join()).toContain('"reason":"no connection"');
  });

  it('stops after the slice that is under way, and does not take that for the end', async () => {
    let stop: (() => Promise<void>) | undefined;
    const { resealer, rotate, logged } = await started(async ({ isStopped } = {}) => {
      const stopping = stop?.();
      expect(isStopped?.()).toBe(true);
      void stopping;
      return { done: 0, unreadable: 1 };
    });
    stop = () => resealer.stop();
    rotate();
    await resealer.run();
    expect(logged).toEqual([]);
  });
});
