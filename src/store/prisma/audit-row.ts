import { randomBytes } from 'node:crypto';
import { type AuditEvent, outcomeOf } from '../../audit/audit.ts';
import { personalHash } from '../../audit/chain.ts';
import type { Personal } from '../../audit/trail.ts';
import type { By } from '../../lib/by.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';

export const PERSONAL = 'AuditEvent.sealedPersonal';

/** The row of an event, to be inserted with the change that it reports. */
export type AuditRow = ReturnType<typeof createAuditRow>;

export function createAuditRow(sealer: Pick<Sealer, 'seal'>) {
  return (event: AuditEvent, by: By, at: Date) => {
    const row = clearRow(event, by, at);
    const { address, browser = null } = by;
    if (address === null && browser === null) return row;
    const person = by.actor.startsWith('acc_') ? by.actor : row.accountId;
    return { ...row, person, ...sealPersonal(sealer, row.id, { address, browser }) };
  };
}

/** Without what is known of the visitor. */
export function clearRow(event: AuditEvent, { actor, requestId }: By, at: Date) {
  const {
    event: name,
    accountId = null,
    clientId = null,
    ...detail
  } = {
    accountId: null,
    clientId: null,
    ...event,
  } as { event: string; accountId: string | null; clientId: string | null };
  return {
    id: newId('evt'),
    at,
    event: name,
    outcome: outcomeOf(event),
    actor,
    accountId,
    clientId,
    requestId,
    detail: JSON.stringify(detail),
  };
}

/** Salted before it is hashed: the hash outlives its erasure, and must not tell then which of the few addresses it was. */
export function sealPersonal(sealer: Pick<Sealer, 'seal'>, id: string, personal: Personal) {
  const text = JSON.stringify({ salt: randomBytes(16).toString('base64url'), ...personal });
  return {
    sealedPersonal: sealer.seal(PERSONAL, id, text).toString('base64url'),
    personalHash: personalHash(text),
  };
}
