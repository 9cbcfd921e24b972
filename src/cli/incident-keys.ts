import type { Keys } from '../incident/respond.ts';
import type { SigningKeys } from '../signing/signing-keys.ts';

/** Where a run that was cut short has added a key, or revoked some, that stands. */
export function incidentKeys(signing: SigningKeys): Keys {
  return {
    async replace(since, revoke, by) {
      const before = await signing.list();
      const added =
        before.find(({ createdAt, state }) => createdAt > since && (state === 'active' || !revoke)) ??
        (await signing.rotate({ immediately: revoke }, by));
      for (const { kid, createdAt, state } of revoke ? before : []) {
        if (createdAt <= since && state !== 'gone' && state !== 'revoked') await signing.revoke(kid, by);
      }
      const revoked = (await signing.list()).filter(({ revokedAt }) => revokedAt !== null && revokedAt >= since);
      return {
        ...{ added: added.kid, activatesAt: added.activatesAt, revoked: revoked.map(({ kid }) => kid) },
        knownByCachesFrom: signing.schedule.knownBy(Math.max(since, ...revoked.map(({ revokedAt }) => revokedAt ?? 0))),
      };
    },
  };
}
