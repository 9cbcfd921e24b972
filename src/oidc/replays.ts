import Provider, { errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { DAY, MINUTE, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import type { ArtifactStore } from './artifact-store.ts';

/**
 * The library takes a proof from five minutes before its `iat` until five minutes after, and would remember it for five
 * from its use: one that was dated ahead could be used again.
 */
const PROOF_KEPT: Seconds = 10 * MINUTE + CLOCK_TOLERANCE;
/** An assertion is remembered for as long as it lives, and as far as the clocks of server and database may differ. */
const CLOCKS_APART: Seconds = MINUTE;
/** Times that a client wrote may lie beyond all that is kept. */
const LONGEST_KEPT: Seconds = DAY;

export type Replays = ReturnType<typeof createReplays>;

/** What a client signs for one request is used for one request, whichever instance gets it (RFC 7523 3, RFC 9449 11.1). */
export function createReplays({ artifacts, clock }: { artifacts: ArtifactStore; clock: Clock }) {
  /** Requests whose client assertion was found good a moment ago: that is what is asked about next. */
  const assertions = new WeakSet<object>();

  function spend(use: 'assertion' | 'dpop', issuer: string, jti: string, lifetime: Seconds): Promise<boolean> {
    // As a list: no issuer and `jti` together look like those of another issuer.
    const id = sha256(JSON.stringify([use, issuer, jti]));
    const keys = { uid: null, grantId: null, accountId: null, clientId: null, sessionUid: null };
    const expiresAt = Math.floor(clock() + toMilliseconds(Math.min(lifetime, LONGEST_KEPT)));
    return artifacts.putOnce('ReplayDetection', id, { issuer }, keys, expiresAt);
  }

  return {
    expectAssertion(ctx: object): void {
      assertions.add(ctx);
    },
    /**
     * Stands in for the library's look and later save, between which another request fits.
     * @param expiresAt seconds since 1970
     * @returns false for an assertion that was used before @throws {errors.InvalidDpopProof} for such a proof
     */
    async unique(issuer: string, jti: string, expiresAt: Seconds): Promise<boolean> {
      const { ctx } = Provider;
      if (ctx && assertions.delete(ctx)) {
        return spend('assertion', issuer, jti, expiresAt - clock() / 1000 + CLOCKS_APART);
      }
      if (await spend('dpop', issuer, jti, PROOF_KEPT)) return true;
      throw new errors.InvalidDpopProof('the DPoP proof was used before');
    },
  };
}
