import { keyedHash, sameText } from '../lib/hash.ts';
import type { Keyring } from '../lib/keyring.ts';

/** The three verbs of Keygrip, with one HMAC each. The current key signs, every key of the keyring verifies. */
export function createCookieKeys(keyring: Keyring) {
  const verify = (data: string, digest: string) =>
    keyring.someKey('cookies', (key) => sameText(keyedHash(key, data), digest));
  return {
    sign: (data: string) => keyedHash(keyring.subkey('cookies'), data),
    /** Never above 0, which would have the signature of an interaction's cookie set again, for every path. */
    index: (data: string, digest: string) => (verify(data, digest) ? 0 : -1),
    verify,
  };
}
