import type Provider from 'oidc-provider';
import { clientSecretHash } from '../clients/secrets.ts';
import { sameText } from '../lib/hash.ts';
import { registrationOf } from './client-metadata.ts';
import type { RefreshTokenIds } from './refresh-tokens.ts';
import type { Replays } from './replays.ts';

/**
 * The undocumented methods that are replaced on our own Provider's classes; the library's files stay as published.
 * Its version is pinned for their sake, and test/oidc/overrides.test.ts notices when one is no longer called.
 */
export function overrideLibrary(
  provider: Provider,
  { refreshTokenIds, replays }: { refreshTokenIds: RefreshTokenIds; replays: Replays },
): void {
  Object.assign(provider.Client.prototype, {
    /** Secrets are compared by their hashes; two are live during a rotation. */
    compareClientSecret(this: object, presented: string): boolean {
      const hash = clientSecretHash(presented);
      return registrationOf(this).secretHashes.filter((known) => sameText(known, hash)).length > 0;
    },
    /** The library would send the logout token at once and wait for every party; ours are queued (session-ends.ts). */
    async backchannelLogout(): Promise<void> {},
  });

  Object.assign(provider.RefreshToken.prototype, {
    /** Runs in `save()`: the successor of a rotated token is computed from it. */
    generateTokenId(): string {
      const { ctx } = provider.constructor as typeof Provider;
      const rotated = ctx?.oidc.entities.RotatedRefreshToken;
      return rotated ? refreshTokenIds.successorOf(rotated.jti) : refreshTokenIds.first();
    },
  });

  /** The library would look first and save later: of ten requests with one proof all could pass that look. */
  Object.assign(provider.ReplayDetection, { unique: replays.unique });
}
