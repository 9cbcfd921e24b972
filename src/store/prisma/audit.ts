import type { Audit } from '../../audit/audit.ts';
import type { ChangeDeps } from './change.ts';

export function prismaAudit({ prisma, clock, auditRow }: ChangeDeps): Audit {
  return {
    async write(event, by) {
      await prisma.auditEvent.create({ data: auditRow(event, by, new Date(clock())) });
    },
  };
}
