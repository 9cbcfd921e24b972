import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AuditRow } from './audit-row.ts';
import type { Transaction } from './database.ts';

/**
 * With an event for each that was not revoked before, of which each is revoked by one caller.
 * @param which one key, or those that a client has or, where it is an API, is shown
 * @returns how many were revoked now
 */
export async function revokeApiKeys(
  { tx, auditRow, clock }: { tx: Transaction; auditRow: AuditRow; clock: Clock },
  which: { id: string } | { ofClient: string },
  by: By,
): Promise<number> {
  const where = 'id' in which ? which : { OR: [{ clientId: which.ofClient }, { apiId: which.ofClient }] };
  let revoked = 0;
  for (const { id, clientId, apiId } of await tx.apiKey.findMany({ where: { ...where, revokedAt: null } })) {
    const at = new Date(clock());
    const { count } = await tx.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } });
    if (count === 0) continue;
    await tx.auditEvent.create({
      data: auditRow({ event: 'api_key.revoked', keyId: id, clientId, api: apiId }, by, at),
    });
    revoked += 1;
  }
  return revoked;
}
