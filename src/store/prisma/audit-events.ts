import { type Entry, personalHash, type Recorded } from '../../audit/chain.ts';
import type { Personal, Read, TrailEvent, TrailFilter } from '../../audit/trail.ts';
import { UnknownKey } from '../../lib/keyring.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { PERSONAL } from './audit-row.ts';
import type { PrismaClient } from './database.ts';

export type EventRow = NonNullable<Awaited<ReturnType<PrismaClient['auditEvent']['findFirst']>>>;

export function toRecorded(row: EventRow): Recorded {
  const { id, event, outcome, actor, accountId, clientId, requestId, detail, person, personalHash } = row;
  const at = row.at.getTime();
  return { id, at, event, outcome, actor, accountId, clientId, requestId, detail, person, personalHash };
}

export function toEvent(sealer: Sealer, row: EventRow): TrailEvent {
  const { sequence, previous, mac } = row;
  return { ...toRecorded(row), sequence, previous, mac, ...readPersonal(sealer, row) };
}

/** What lacks one of the three is no entry that this program sealed, and verifies as little. */
export function toEntry(sealer: Sealer, row: EventRow): Entry & Read {
  const { sequence, previous, mac } = row;
  const link = { sequence: sequence ?? 0, previous: previous ?? '', mac: mac ?? '' };
  return { ...toRecorded(row), ...link, ...readPersonal(sealer, row) };
}

function readPersonal(sealer: Sealer, { id, address, sealedPersonal, personalHash: hash }: EventRow): Read {
  if (sealedPersonal === null) {
    if (hash !== null) return { personal: null, personalState: 'erased' };
    const personal = address === null ? null : { address, browser: null };
    return { personal, personalState: personal === null ? 'none' : 'changed' };
  }
  try {
    const text = sealer.unseal(PERSONAL, id, Buffer.from(sealedPersonal, 'base64url'));
    if (personalHash(text) !== hash) return { personal: null, personalState: 'changed' };
    const { address: known, browser } = JSON.parse(text) as Personal;
    return { personal: { address: known, browser }, personalState: 'intact' };
  } catch (err) {
    return { personal: null, personalState: err instanceof UnknownKey ? 'lost' : 'changed' };
  }
}

export function whereOf({ accountId, clientId, event, since, until }: TrailFilter) {
  const at = {
    ...(since !== undefined && { gte: new Date(since) }),
    ...(until !== undefined && { lt: new Date(until) }),
  };
  return {
    ...(accountId !== undefined && { OR: [{ accountId }, { actor: accountId }] }),
    ...(clientId !== undefined && { clientId }),
    ...(event !== undefined && { event }),
    ...(Object.keys(at).length > 0 && { at }),
  };
}
