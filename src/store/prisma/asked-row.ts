import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Asked } from '../../links/store.ts';
import { SEALED_PAYLOAD } from '../../outbox/outbox.ts';

/** The row of a job that looks for whoever has an address that somebody typed. */
export function askedRow(sealer: Sealer, asked: Asked, at: Date) {
  const id = newId('msg');
  const sealed = sealer.seal(SEALED_PAYLOAD, id, JSON.stringify(asked)).toString('base64url');
  return {
    ...{ id, kind: 'link-asked', payload: '{}', sealedPayload: sealed },
    ...{ createdAt: at, dueAt: at, attempts: 0 },
  };
}

export function openAsked(sealer: Sealer, jobId: string, sealed: string): Asked {
  return JSON.parse(sealer.unseal(SEALED_PAYLOAD, jobId, Buffer.from(sealed, 'base64url'))) as Asked;
}
