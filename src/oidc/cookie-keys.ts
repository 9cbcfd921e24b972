import { keyedHash, sameText } from '../lib/hash.ts';
import type { Keyring } from '../lib/keyring.ts';

/** The three verbs of Keygrip, with one HMAC each. The newest key signs, every key of the keyring verifies. */
export function createCookieKeys(keyring: Keyring) {
  const keys = keyring.keyIds.map((keyId) => keyring.subkey('cookies', keyId));
  const index = (data: string, digest: string) => keys.findIndex((key) => sameText(keyedHash(key, data), digest));
  return {
    sign: (data: string) => keyedHash(keys[0] as Buffer, data),
    index,
    verify: (data: string, digest: string) => index(data, digest) >= 0,
  };
}
