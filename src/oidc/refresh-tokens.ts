import { randomBytes } from 'node:crypto';
import type { Milliseconds } from '../lib/duration.ts';
import { keyedHash } from '../lib/hash.ts';
import type { Keyring } from '../lib/keyring.ts';

/**
 * Within this time of its first use, a refresh token that is presented again gets the answer of the first time: the
 * client that lost it on the way asks again and is not taken for a thief.
 */
export const GRACE: Milliseconds = 10_000;

export type RefreshTokenIds = ReturnType<typeof createRefreshTokenIds>;

/**
 * `gwr_<key id>_<43 characters>`. Only hashes are stored, so the successor of a token can be told again only because
 * it is computed from it; the key id within keeps that so when the keyring moves on. A key that was removed is no way
 * to tell it any more: the current one takes its place.
 */
export function createRefreshTokenIds(keyring: Keyring) {
  const parse = (token: string) => /^gwr_([a-z0-9]{8})_[\w-]{43}$/.exec(token)?.[1];
  const format = (keyId: string, value: string) => `gwr_${keyId}_${value}`;

  return {
    first: (): string => format(keyring.currentKeyId, randomBytes(32).toString('base64url')),
    successorOf(token: string): string {
      const named = parse(token);
      const keyId = named && keyring.has(named) ? named : keyring.currentKeyId;
      return format(keyId, keyedHash(keyring.subkey('refresh-successor', keyId), token));
    },
  };
}
