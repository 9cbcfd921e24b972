import type { Outbox } from '../outbox/outbox.ts';
import type { ArtifactStore, SessionAuthorization } from './artifact-store.ts';
import type { Registry } from './registry.ts';

/**
 * Ends sessions and has the applications told (Back-Channel Logout 1.0). The messages are queued first: where that
 * fails, the session goes on and the person can try again; after a crash in between, an application is told twice.
 */
export function createSessionEnds({
  artifacts,
  registry,
  outbox,
}: {
  artifacts: ArtifactStore;
  registry: Registry;
  outbox: Outbox;
}) {
  async function queue(accountId: string, authorizations: SessionAuthorization[]): Promise<void> {
    for (const { clientId, sid } of authorizations) {
      const client = await registry.client(clientId);
      if (client?.settings.backchannelLogoutUri) {
        await outbox.add({ kind: 'backchannel-logout', clientId, accountId, sid });
      }
    }
  }

  return {
    async end(sessionId: string): Promise<void> {
      const session = await artifacts.get('Session', sessionId);
      const accountId = session?.payload['accountId'];
      if (typeof accountId !== 'string') {
        await artifacts.endSession(sessionId);
        return;
      }
      const known = Object.entries((session?.payload['authorizations'] ?? {}) as Record<string, { sid?: string }>);
      await queue(
        accountId,
        known.map(([clientId, { sid = null }]) => ({ clientId, sid, grantId: null, persistsLogout: false })),
      );
      const ended = await artifacts.endSession(sessionId);
      // Another tab may have signed in to one more application in the meantime.
      const late = ended?.authorizations.filter(({ clientId }) => !known.some(([id]) => id === clientId)) ?? [];
      await queue(accountId, late);
    },
  };
}

export type SessionEnds = ReturnType<typeof createSessionEnds>;
