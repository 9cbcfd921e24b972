import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import type { Job, NewJob, Outbox } from '../../outbox/outbox.ts';
import type { PrismaClient } from './database.ts';

/** The row of a job, to be inserted with the change that calls for it. */
export function jobRow(job: NewJob, now: Date) {
  const { kind, ...payload } = job;
  return { id: newId('msg'), kind, payload: JSON.stringify(payload), createdAt: now, dueAt: now, attempts: 0 };
}

export function prismaOutbox({ prisma, clock }: { prisma: PrismaClient; clock: Clock }): Outbox {
  return {
    async add(job) {
      await prisma.outboxMessage.create({ data: jobRow(job, new Date(clock())) });
    },
    async take(limit, leaseUntil) {
      const due = await prisma.outboxMessage.findMany({
        where: { doneAt: null, dueAt: { lte: new Date(clock()) } },
        orderBy: { dueAt: 'asc' },
        take: limit,
      });
      const taken = [];
      for (const { id, kind, payload, sealedPayload, attempts, dueAt } of due) {
        // The due time is the lease: of two workers that read the same row, one moves it.
        const { count } = await prisma.outboxMessage.updateMany({
          where: { id, doneAt: null, dueAt },
          data: { dueAt: new Date(leaseUntil), attempts: { increment: 1 } },
        });
        if (count === 0) continue;
        const sealed = sealedPayload === null ? {} : { sealed: sealedPayload };
        taken.push({ id, job: { kind, ...JSON.parse(payload), ...sealed } as Job, attempts: attempts + 1 });
      }
      return taken;
    },
    // None of the four minds that another worker, to whom the job went when its lease ended, has finished it.
    async done(id) {
      await prisma.outboxMessage.deleteMany({ where: { id } });
    },
    async retry(id, dueAt, error) {
      await prisma.outboxMessage.updateMany({ where: { id }, data: { dueAt: new Date(dueAt), lastError: error } });
    },
    async putBack(id, dueAt) {
      const data = { dueAt: new Date(dueAt), attempts: { decrement: 1 } };
      await prisma.outboxMessage.updateMany({ where: { id, attempts: { gt: 0 } }, data });
    },
    async giveUp(id, error) {
      await prisma.outboxMessage.updateMany({
        where: { id },
        data: { doneAt: new Date(clock()), lastError: error, sealedPayload: null },
      });
    },
  };
}
