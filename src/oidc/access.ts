import type { Milliseconds } from '../lib/duration.ts';
import type { ArtifactStore, SessionAuthorization } from './artifact-store.ts';
import type { SessionEnds } from './session-ends.ts';

/** Ends what an application may do for a person. Repeatable. */
export function createAccess({
  artifacts,
  sessionEnds,
}: {
  artifacts: ArtifactStore;
  sessionEnds: Pick<SessionEnds, 'endAuthorization'>;
}) {
  return {
    /** @param before what was begun later stays; without it everything ends */
    async end(accountId: string, clientId: string, before: Milliseconds = Number.POSITIVE_INFINITY): Promise<void> {
      for (const { payload, bornAt } of await artifacts.listOf('Grant', accountId)) {
        if (payload['clientId'] === clientId && bornAt <= before) await artifacts.endGrant(String(payload['jti']));
      }
      const living = new Set((await artifacts.listOf('Grant', accountId)).map(({ payload }) => payload['jti']));
      for (const { payload } of await artifacts.listOf('Session', accountId)) {
        const authorizations = payload['authorizations'] as Record<string, Partial<SessionAuthorization>> | undefined;
        const authorization = authorizations?.[clientId];
        // One that has been given a grant since then has signed in anew.
        if (authorization && !living.has(authorization.grantId)) {
          await sessionEnds.endAuthorization(String(payload['uid']), clientId);
        }
      }
    },
  };
}
