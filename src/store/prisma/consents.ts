import { type Consent, type ConsentStore, mergeConsents } from '../../consents/store.ts';
import type { Clock } from '../../lib/clock.ts';
import { OPENLY } from '../../registration/token.ts';
import type { AuditRow } from './audit-row.ts';
import type { Database } from './database.ts';
import { jobRow } from './outbox.ts';

export function prismaConsents({
  database: { prisma, exclusively },
  clock,
  auditRow,
}: {
  database: Database;
  clock: Clock;
  auditRow: AuditRow;
}): ConsentStore {
  return {
    async find(accountId, clientId) {
      const row = await prisma.consent.findUnique({ where: { accountId_clientId: { accountId, clientId } } });
      return row && (JSON.parse(row.granted) as Consent);
    },
    async listOf(accountId) {
      const rows = await prisma.consent.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } });
      return rows.map(({ clientId, granted, createdAt }) => ({
        ...{ clientId, since: createdAt.getTime() },
        consent: JSON.parse(granted) as Consent,
      }));
    },
    async withdraw(accountId, clientId, by) {
      const at = new Date(clock());
      await prisma.$transaction(async (tx) => {
        await tx.consent.deleteMany({ where: { accountId, clientId } });
        const event = { event: 'consent.withdrawn', accountId, clientId } as const;
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
        const job = { kind: 'end-access', accountId, clientId, before: at.getTime() } as const;
        await tx.outboxMessage.create({ data: jobRow(job, at) });
      });
    },
    async give(accountId, clientId, consent, by) {
      const at = new Date(clock());
      const where = { accountId_clientId: { accountId, clientId } };
      // Two at once would each add to what neither has written yet, and the first time there is no row to lock.
      await exclusively(`consent/${accountId}/${clientId}`, async (tx) => {
        const before = await tx.consent.findUnique({ where });
        const granted = JSON.stringify(mergeConsents(before && (JSON.parse(before.granted) as Consent), consent));
        await tx.consent.upsert({
          where,
          create: { accountId, clientId, granted, createdAt: at, updatedAt: at },
          update: { granted, updatedAt: at },
        });
        const firstOf = { id: clientId, registeredBy: OPENLY, allowedAt: null };
        await tx.client.updateMany({ where: firstOf, data: { allowedAt: at } });
        const event = { event: 'consent.given', accountId, clientId, scopes: consent.scopes } as const;
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
      });
    },
  };
}
