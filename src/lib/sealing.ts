import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Keyring } from './keyring.ts';

const KEY_ID = 8;
const IV = 12;
const TAG = 16;

/** AES-256-GCM under a key of its own per record, so that no record opens in the place of another. */
export interface Sealer {
  /**
   * @param place table and column, or kind: what the sealed value is for
   * @param record the id of the row that holds it
   * @returns key id, nonce, tag and ciphertext in one
   */
  seal(place: string, record: string, plaintext: string): Buffer;
  /** @throws when the value was changed or moved to another record, and {UnknownKey} where its key is gone. */
  unseal(place: string, record: string, sealed: Uint8Array): string;
}

/** Under which key a value was sealed. */
export function keyIdOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('latin1', 0, KEY_ID);
}

export function createSealer(keyring: Keyring): Sealer {
  function recordKey(place: string, record: string, keyId: string): Buffer {
    return createHmac('sha256', keyring.subkey(`seal/${place}`, keyId))
      .update(record)
      .digest();
  }
  function associated(place: string, record: string, keyId: string): Buffer {
    return Buffer.from(`${place}\n${record}\n${keyId}`);
  }

  return {
    seal(place, record, plaintext) {
      const keyId = keyring.currentKeyId;
      const iv = randomBytes(IV);
      const cipher = createCipheriv('aes-256-gcm', recordKey(place, record, keyId), iv);
      cipher.setAAD(associated(place, record, keyId));
      const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from(keyId, 'latin1'), iv, cipher.getAuthTag(), ciphertext]);
    },
    unseal(place, record, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const keyId = keyIdOf(sealed);
      const iv = bytes.subarray(KEY_ID, KEY_ID + IV);
      const decipher = createDecipheriv('aes-256-gcm', recordKey(place, record, keyId), iv, { authTagLength: TAG });
      decipher.setAAD(associated(place, record, keyId));
      decipher.setAuthTag(bytes.subarray(KEY_ID + IV, KEY_ID + IV + TAG));
      return decipher.update(bytes.subarray(KEY_ID + IV + TAG), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}
