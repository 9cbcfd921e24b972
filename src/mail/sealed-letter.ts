import type { Sealer } from '../lib/sealing.ts';
import { SEALED_PAYLOAD } from '../outbox/outbox.ts';
import type { Letter } from './message.ts';

/** @param id of the row that will hold it @returns base64url */
export function sealLetter(sealer: Sealer, id: string, letter: Letter): string {
  return sealer.seal(SEALED_PAYLOAD, id, JSON.stringify(letter)).toString('base64url');
}

/** @throws {UnknownKey} where its key is gone from the keyring */
export function openLetter(sealer: Sealer, id: string, sealed: string): Letter {
  return JSON.parse(sealer.unseal(SEALED_PAYLOAD, id, Buffer.from(sealed, 'base64url'))) as Letter;
}
