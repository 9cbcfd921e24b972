import type { Milliseconds } from '../lib/duration.ts';
import type { SigningAlgorithm } from '../lib/signing-algorithm.ts';
import type { StoredSigningKey } from './store.ts';

/** announced: published, does not sign yet; active: signs; retired: still verifies; gone and revoked: neither. */
export type KeyState = 'announced' | 'active' | 'retired' | 'gone' | 'revoked';

export interface StatedKey extends StoredSigningKey {
  state: KeyState;
}

/** Keys of different algorithms have nothing to do with one another. */
export function stateKeys(keys: StoredSigningKey[], now: Milliseconds, retention: Milliseconds): StatedKey[] {
  const algorithms = [...new Set(keys.map(({ algorithm }) => algorithm))];
  return algorithms.flatMap((algorithm) => stateKeysOf(ofAlgorithm(keys, algorithm), now, retention));
}

export function ofAlgorithm<Key extends StoredSigningKey>(keys: readonly Key[], algorithm: SigningAlgorithm): Key[] {
  return keys.filter((key) => key.algorithm === algorithm);
}

/**
 * The state of each key follows from the clock alone, so that all instances agree without telling one another: the
 * youngest key whose time has come signs, and every other stays verifiable for `retention` after it last signed. A key
 * that was revoked had its time too: what was over then does not come back with its revocation.
 * @param retention the longest session plus the ID token's lifetime, since relying parties send expired ID tokens as
 *   `id_token_hint` (OpenID Connect RP-Initiated Logout 1.0 2)
 */
function stateKeysOf(keys: StoredSigningKey[], now: Milliseconds, retention: Milliseconds): StatedKey[] {
  /** Since then, without a gap, some younger key has signed. */
  let succeededAt: Milliseconds | null = null;

  return youngestFirst(keys).map((key) => {
    if (key.revokedAt !== null) {
      // Where it was revoked before the next one began, an older key signed in between.
      if (succeededAt !== null && key.revokedAt >= succeededAt) succeededAt = key.activatesAt;
      return { ...key, state: 'revoked' };
    }
    if (key.activatesAt > now) return { ...key, state: 'announced' };
    const state: KeyState = succeededAt === null ? 'active' : succeededAt + retention > now ? 'retired' : 'gone';
    succeededAt = key.activatesAt;
    return { ...key, state };
  });
}

/** Of one algorithm's: the one that a new key would succeed, announced, or else the one that signs. */
export function youngestOf<Key extends StoredSigningKey>(keys: readonly Key[]): Key | undefined {
  return youngestFirst(keys).find(({ revokedAt }) => revokedAt === null);
}

function youngestFirst<Key extends StoredSigningKey>(keys: readonly Key[]): Key[] {
  return [...keys].sort((a, b) => b.activatesAt - a.activatesAt || b.createdAt - a.createdAt);
}
