import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/outbox/outbox.ts';
import { racers, type TestStores } from '../support/stores.ts';

const job = { kind: 'backchannel-logout', clientId: 'web', accountId: 'acc_ada', sid: 'sid-1' } satisfies Job;

/** Every Outbox must pass this. */
export function outboxContract(name: string, open: () => Promise<TestStores>): void {
  describe(`the outbox in ${name}`, () => {
    it('gives a job to one of many workers, and to nobody until the lease ends', async () => {
      const { outbox, clock } = await open();
      await outbox.add(job);
      const taken = await racers(10, () => outbox.take(5, clock() + 1000));
      expect(taken.flat()).toMatchObject([{ job, attempts: 1 }]);

      expect(await outbox.take(5, clock() + 9000)).toEqual([]);
      clock.forward(1);
      expect(await outbox.take(5, clock() + 1000)).toMatchObject([{ job, attempts: 2 }]);
    });

    it('gives each of many jobs to one of many workers', async () => {
      const { outbox, clock } = await open();
      const sids = Array.from({ length: 60 }, (_, index) => `sid-${index}`);
      for (const sid of sids) await outbox.add({ ...job, sid });
      const taken = await racers(10, () => outbox.take(20, clock() + 1000));
      const rest = await outbox.take(sids.length, clock() + 1000);
      const given = [...taken.flat(), ...rest].map((one) => 'sid' in one.job && one.job.sid);
      expect(given.sort()).toEqual(sids.sort());
    });

    it('does not mind that another worker, which had it after the lease, was done first', async () => {
      const { outbox, clock } = await open();
      await outbox.add(job);
      const [slow] = await outbox.take(1, clock() + 1000);
      clock.forward(1);
      const [quick] = await outbox.take(1, clock() + 1000);
      await outbox.done(quick?.id ?? '');
      await outbox.done(slow?.id ?? '');
      await outbox.retry(slow?.id ?? '', clock(), 'late');
      await outbox.putBack(slow?.id ?? '', clock());
      await outbox.giveUp(slow?.id ?? '', 'late');
      expect(await outbox.take(1, clock() + 1000)).toEqual([]);
    });

    it('gives no more than asked for, the longest due first', async () => {
      const { outbox, clock } = await open();
      for (const sid of ['sid-1', 'sid-2', 'sid-3']) {
        await outbox.add({ ...job, sid });
        clock.forward(1);
      }
      const sids = async () =>
        (await outbox.take(2, clock() + 9000)).map((taken) => 'sid' in taken.job && taken.job.sid);
      expect(await sids()).toEqual(['sid-1', 'sid-2']);
      expect(await sids()).toEqual(['sid-3']);
    });

    it('gives again at the time that a failed attempt asks for', async () => {
      const { outbox, clock } = await open();
      await outbox.add(job);
      const [first] = await outbox.take(1, clock() + 1000);
      await outbox.retry(first?.id ?? '', clock() + 60_000, 'the application does not answer');
      clock.forward(59);
      expect(await outbox.take(1, clock() + 1000)).toEqual([]);
      clock.forward(1);
      expect(await outbox.take(1, clock() + 1000)).toMatchObject([{ job, attempts: 2 }]);
    });

    it('counts no attempt for a job that is put back, and gives it again when it is due', async () => {
      const { outbox, clock } = await open();
      await outbox.add(job);
      for (let round = 0; round < 3; round += 1) {
        const [taken] = await outbox.take(1, clock() + 1000);
        expect(taken).toMatchObject({ job, attempts: 1 });
        await outbox.putBack(taken?.id ?? '', clock() + 5000);
        clock.forward(4);
        expect(await outbox.take(1, clock() + 1000)).toEqual([]);
        clock.forward(1);
      }
    });

    for (const [how, finish] of [
      ['done', ({ outbox }, id) => outbox.done(id)],
      ['given up', ({ outbox }, id) => outbox.giveUp(id, 'nobody there')],
    ] as [string, (stores: TestStores, id: string) => Promise<void>][]) {
      it(`never gives again what is ${how}`, async () => {
        const stores = await open();
        const { outbox, clock } = stores;
        await outbox.add(job);
        const [taken] = await outbox.take(1, clock() + 1000);
        await finish(stores, taken?.id ?? '');
        clock.forward(3600);
        expect(await outbox.take(1, clock() + 1000)).toEqual([]);
      });
    }
  });
}
