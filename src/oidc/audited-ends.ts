import Provider from 'oidc-provider';
import type { Audit } from '../audit/audit.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { SessionEnds } from './session-ends.ts';
import { byCurrentVisitor } from './visitor.ts';

export interface AuditedEndsDeps {
  artifacts: ArtifactStore;
  sessionEnds: Pick<SessionEnds, 'end'>;
  audit: Audit;
}

/** What the library ends in the middle of a request, with the events that say so. */
export function createAuditedEnds({ artifacts, sessionEnds, audit }: AuditedEndsDeps) {
  return {
    async grant(grantId: string): Promise<void> {
      const { route, client, params } = Provider.ctx?.oidc ?? {};
      // The token endpoint ends a grant for one reason alone.
      const replayedBy = route === 'token' ? client?.clientId : undefined;
      const grant = replayedBy === undefined ? null : await artifacts.get('Grant', grantId);
      // Of ten that present one code at once, one has ended it.
      if (!(await artifacts.endGrant(grantId)) || replayedBy === undefined) return;
      const accountId = (grant?.payload['accountId'] as string | undefined) ?? null;
      const kind = String(params?.['grant_type']);
      await audit.write(
        { event: 'grant.replayed', accountId, clientId: replayedBy, kind },
        byCurrentVisitor(replayedBy),
      );
    },
    /** Whoever holds the session's cookie and says that they sign out. */
    async session(id: string): Promise<void> {
      const accountId = await sessionEnds.end(id);
      if (accountId) await audit.write({ event: 'session.ended', accountId }, byCurrentVisitor(accountId));
    },
  };
}
