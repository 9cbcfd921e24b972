import type Provider from 'oidc-provider';
import { clientSecretHash } from '../clients/secrets.ts';
import { sameText } from '../lib/hash.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { registrationOf } from './client-metadata.ts';
import type { RefreshTokenIds } from './refresh-tokens.ts';

/**
 * The undocumented methods that are replaced on our own Provider's classes; the library's files stay as published.
 * Its version is pinned for their sake, and test/oidc/overrides.test.ts notices when one is no longer called.
 */
export function overrideLibrary(
  provider: Provider,
  { outbox, refreshTokenIds }: { outbox: Outbox; refreshTokenIds: RefreshTokenIds },
): void {
  Object.assign(provider.Client.prototype, {
    /** Secrets are compared by their hashes; two are live during a rotation. */
    compareClientSecret(this: object, presented: string): boolean {
      const hash = clientSecretHash(presented);
      return registrationOf(this).secretHashes.filter((known) => sameText(known, hash)).length > 0;
    },
    /**
     * The library sends logout tokens at once and waits for every party; ours go into the durable queue. Where the
     * whole session ends, that is done with its end (src/oidc/session-ends.ts).
     */
    async backchannelLogout(this: { clientId: string }, accountId: string, sid: string | undefined): Promise<void> {
      const { ctx } = provider.constructor as typeof Provider;
      if (ctx?.oidc.params?.['logout']) return;
      await outbox.add({ kind: 'backchannel-logout', clientId: this.clientId, accountId, sid: sid ?? null });
    },
  });

  Object.assign(provider.RefreshToken.prototype, {
    /** Runs in `save()`: the successor of a rotated token is computed from it. */
    generateTokenId(): string {
      const { ctx } = provider.constructor as typeof Provider;
      const rotated = ctx?.oidc.entities.RotatedRefreshToken;
      return rotated ? refreshTokenIds.successorOf(rotated.jti) : refreshTokenIds.first();
    },
  });
}
