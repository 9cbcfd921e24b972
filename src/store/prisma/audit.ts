import type { Audit } from '../../audit/audit.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AuditRow } from './audit-row.ts';
import type { PrismaClient } from './database.ts';

export function prismaAudit({
  prisma,
  clock,
  auditRow,
}: {
  prisma: PrismaClient;
  clock: Clock;
  auditRow: AuditRow;
}): Audit {
  return {
    async write(event, by) {
      await prisma.auditEvent.create({ data: auditRow(event, by, new Date(clock())) });
    },
  };
}
