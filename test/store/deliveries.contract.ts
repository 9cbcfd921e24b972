import { describe, expect, it } from 'vitest';
import { racers, type TestStores } from '../support/stores.ts';
import { BY } from './samples.ts';

/** Every Deliveries must pass this. */
export function deliveriesContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    const { outbox, clock } = stores;
    const queue = (clientId: string) =>
      outbox.add({ kind: 'backchannel-logout', clientId, accountId: 'acc_ada', sid: null });
    return {
      ...stores,
      queue,
      async givenUp(clientId: string): Promise<string> {
        await queue(clientId);
        const [taken] = await outbox.take(1, clock() + 1000);
        await outbox.giveUp(taken?.id ?? '', 'it answers 500');
        return taken?.id ?? '';
      },
      events: () => stores.auditTrail.latest(10),
    };
  }

  describe(`deliveries in ${name}`, () => {
    it('are what waits and what was given up, oldest first, and no other work', async () => {
      const { queue, givenUp, deliveries, outbox, clock } = await opened();
      await outbox.add({ kind: 'end-client', clientId: 'web', before: 1 });
      const [cleanUp] = await outbox.take(1, clock() + 1000);
      const createdAt = clock();
      const id = await givenUp('web');
      clock.forward(1);
      await queue('app');
      const known = { message: 'backchannel-logout', accountId: 'acc_ada' };
      expect(await deliveries.list()).toEqual([
        { ...known, id, clientId: 'web', createdAt, attempts: 1, dueAt: null, lastError: 'it answers 500' },
        {
          ...{ ...known, id: expect.stringMatching(/^msg_/), clientId: 'app', createdAt: clock() },
          ...{ attempts: 0, dueAt: clock(), lastError: null },
        },
      ]);
      for (const change of [deliveries.retry, deliveries.drop]) {
        expect(await change({ ids: [cleanUp?.id ?? ''] }, BY)).toBe(0);
      }
    });

    it('are tried again where they were given up, as if they were new, and given to one worker', async () => {
      const { queue, givenUp, deliveries, outbox, clock, events } = await opened();
      await givenUp('web');
      await givenUp('app');
      await queue('web');
      const [waiting] = await outbox.take(1, clock() + 60_000);
      expect(await deliveries.retry({ clientId: 'web' }, BY)).toBe(1);
      const taken = await racers(10, () => outbox.take(10, clock() + 1000));
      expect(taken.flat()).toMatchObject([{ job: { clientId: 'web' }, attempts: 1 }]);
      expect(taken.flat()[0]?.id).not.toBe(waiting?.id);
      expect(await events()).toMatchObject([
        { event: 'delivery.retried', clientId: 'web', actor: BY.actor, detail: '{"count":1}' },
      ]);
    });

    it('are tried again once, however many ask for it', async () => {
      const { givenUp, deliveries, events } = await opened();
      const id = await givenUp('web');
      const retried = await racers(10, () => deliveries.retry({ ids: [id] }, BY));
      expect(retried.toSorted()).toEqual([...Array(9).fill(0), 1]);
      expect(await events()).toHaveLength(1);
    });

    it('are dropped, whether they wait or were given up, with an event for each application', async () => {
      const { queue, givenUp, deliveries, events } = await opened();
      const id = await givenUp('web');
      await queue('app');
      const waiting = (await deliveries.list()).find(({ clientId }) => clientId === 'app');
      await queue('other');
      expect(await deliveries.drop({ ids: [waiting?.id ?? '', id, 'msg_unknown'] }, BY)).toBe(2);
      expect((await deliveries.list()).map(({ clientId }) => clientId)).toEqual(['other']);
      const dropped = (await events()).map(({ event, clientId }) => [event, clientId]);
      expect(dropped.toSorted()).toEqual([
        ['delivery.dropped', 'app'],
        ['delivery.dropped', 'web'],
      ]);
    });

    it('and the event change together or not at all', async () => {
      const stores = await opened();
      await stores.givenUp('web');
      const before = await stores.everything();
      await stores.refuseInserts('AuditEvent');
      for (const change of [stores.deliveries.retry, stores.deliveries.drop]) {
        await expect(change({ clientId: 'web' }, BY)).rejects.toThrow();
      }
      expect(await stores.everything()).toBe(before);
    });

    it('are as many as there are', async () => {
      const { queue, deliveries } = await opened();
      for (let count = 0; count < 501; count += 1) await queue('web');
      expect(await deliveries.drop({ clientId: 'web' }, BY)).toBe(501);
      expect(await deliveries.list()).toEqual([]);
    });
  });
}
