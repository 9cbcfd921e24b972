import type { Milliseconds } from '../lib/duration.ts';
import type { StoredSigningKey } from './store.ts';

/** announced: published, does not sign yet; active: signs; retired: still verifies; gone and revoked: neither. */
export type KeyState = 'announced' | 'active' | 'retired' | 'gone' | 'revoked';

export interface StatedKey extends StoredSigningKey {
  state: KeyState;
}

/**
 * The state of each key follows from the clock alone, so that all instances agree without telling one another: the
 * youngest key whose time has come signs, the one before it stays verifiable for `retention` after that.
 * @param retention the longest session plus the ID token's lifetime, since relying parties send expired ID tokens as
 *   `id_token_hint` (OpenID Connect RP-Initiated Logout 1.0 2)
 */
export function stateKeys(keys: StoredSigningKey[], now: Milliseconds, retention: Milliseconds): StatedKey[] {
  const youngestFirst = [...keys].sort((a, b) => b.activatesAt - a.activatesAt || b.createdAt - a.createdAt);
  let successor: Milliseconds | null = null;

  return youngestFirst.map((key) => {
    if (key.revokedAt !== null) return { ...key, state: 'revoked' };
    if (key.activatesAt > now) return { ...key, state: 'announced' };
    const state: KeyState = successor === null ? 'active' : successor + retention > now ? 'retired' : 'gone';
    successor = key.activatesAt;
    return { ...key, state };
  });
}
