import type { Outbox } from '../outbox/outbox.ts';
import type { Artifact, ArtifactStore, SessionAuthorization } from './artifact-store.ts';
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
  async function queue(accountId: string, authorizations: Told[]): Promise<void> {
    for (const { clientId, sid } of authorizations) {
      const client = await registry.client(clientId);
      if (client?.settings.backchannelLogoutUri) {
        await outbox.add({ kind: 'backchannel-logout', clientId, accountId, sid });
      }
    }
  }

  return {
    async end(sessionId: string): Promise<void> {
      const session = read(await artifacts.get('Session', sessionId));
      if (session) await queue(session.accountId, session.authorizations);
      const ended = await artifacts.endSession(sessionId);
      if (!session || !ended) return;
      // Another tab may have signed in to one more application in the meantime.
      const isKnown = (id: string) => session.authorizations.some(({ clientId }) => clientId === id);
      await queue(
        session.accountId,
        ended.authorizations.filter(({ clientId }) => !isKnown(clientId)),
      );
    },
    /** One application alone is signed out of; the session goes on. */
    async endAuthorization(uid: string, clientId: string): Promise<void> {
      const session = read(await artifacts.getSessionByUid(uid));
      const told = session?.authorizations.filter((one) => one.clientId === clientId) ?? [];
      if (session) await queue(session.accountId, told);
      await artifacts.dropAuthorization(uid, clientId);
    },
  };
}

export type SessionEnds = ReturnType<typeof createSessionEnds>;

type Told = Pick<SessionAuthorization, 'clientId' | 'sid'>;

/** Null for a session that nobody has signed in to. */
function read(session: Artifact | null): { accountId: string; authorizations: Told[] } | null {
  const { accountId, authorizations } = session?.payload ?? {};
  if (typeof accountId !== 'string') return null;
  const entries = Object.entries((authorizations ?? {}) as Record<string, { sid?: string }>);
  return { accountId, authorizations: entries.map(([clientId, { sid = null }]) => ({ clientId, sid })) };
}
