import type { Keys } from '../incident/respond.ts';
import { ID_TOKEN_ALGORITHM, type SigningAlgorithm } from '../lib/signing-algorithm.ts';
import { ofAlgorithm } from '../signing/key-set.ts';
import type { SigningKeys } from '../signing/signing-keys.ts';

/** Where a run that was cut short has added a key, or revoked some, that stands. */
export function incidentKeys(signing: SigningKeys): Keys {
  return {
    async replace(since, revoke, by) {
      const before = await signing.list();
      const inUse = before.filter(({ state }) => state !== 'gone' && state !== 'revoked');
      const added = await replaced(ID_TOKEN_ALGORITHM);
      for (const algorithm of new Set(inUse.map((key) => key.algorithm))) {
        if (algorithm !== ID_TOKEN_ALGORITHM) await replaced(algorithm);
      }
      for (const { kid, createdAt, state } of revoke ? before : []) {
        if (createdAt <= since && state !== 'gone' && state !== 'revoked') await signing.revoke(kid, by);
      }
      const revoked = (await signing.list()).filter(({ revokedAt }) => revokedAt !== null && revokedAt >= since);
      return {
        ...{ added: added.kid, activatesAt: added.activatesAt, revoked: revoked.map(({ kid }) => kid) },
        knownByCachesFrom: signing.schedule.knownBy(Math.max(since, ...revoked.map(({ revokedAt }) => revokedAt ?? 0))),
      };

      async function replaced(algorithm: SigningAlgorithm) {
        return (
          ofAlgorithm(before, algorithm).find(
            ({ createdAt, state }) => createdAt > since && (state === 'active' || !revoke),
          ) ?? signing.rotate({ immediately: revoke, algorithm }, by)
        );
      }
    },
  };
}
