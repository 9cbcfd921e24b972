import type { Outbox } from '../outbox/outbox.ts';
import type { Artifact, ArtifactStore, EndedSession, SessionAuthorization } from './artifact-store.ts';
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
  async function queue(accountId: string, authorizations: Party[]): Promise<void> {
    for (const { clientId, sid } of authorizations) {
      const client = await registry.client(clientId);
      if (client?.settings.backchannelLogoutUri) {
        await outbox.add({ kind: 'backchannel-logout', clientId, accountId, sid });
      }
    }
  }

  /** @returns whether it was this call that ended it */
  async function endAfterTelling(session: Told | null, end: () => Promise<EndedSession | null>): Promise<boolean> {
    if (session) await queue(session.accountId, session.authorizations);
    const ended = await end();
    if (!session || !ended) return ended !== null;
    // Another tab may have signed in to one more application in the meantime.
    const isKnown = (id: string) => session.authorizations.some(({ clientId }) => clientId === id);
    await queue(
      session.accountId,
      ended.authorizations.filter(({ clientId }) => !isKnown(clientId)),
    );
    return true;
  }

  return {
    /** @returns whose it was, where it was this call that ended it; null for one that nobody has signed in to */
    async end(sessionId: string): Promise<string | null> {
      const session = read(await artifacts.get('Session', sessionId));
      const isEnded = await endAfterTelling(session, () => artifacts.endSession(sessionId));
      return isEnded ? (session?.accountId ?? null) : null;
    },
    /**
     * A session of this account. False where it has none such: nobody is told anything.
     * @param offlineToo the grants as well that would outlive it
     */
    async endOf(accountId: string, uid: string, { offlineToo = false } = {}): Promise<boolean> {
      const session = read(await artifacts.getSessionByUid(uid));
      if (session?.accountId !== accountId) return false;
      return endAfterTelling(session, async () => {
        const ended = await artifacts.endSessionOf(accountId, uid);
        for (const { grantId } of (offlineToo && ended?.authorizations) || []) {
          if (grantId) await artifacts.endGrant(grantId);
        }
        return ended;
      });
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

type Party = Pick<SessionAuthorization, 'clientId' | 'sid'>;

interface Told {
  accountId: string;
  authorizations: Party[];
}

/** Null for a session that nobody has signed in to. */
function read(session: Artifact | null): Told | null {
  const { accountId, authorizations } = session?.payload ?? {};
  if (typeof accountId !== 'string') return null;
  const entries = Object.entries((authorizations ?? {}) as Record<string, { sid?: string }>);
  return { accountId, authorizations: entries.map(([clientId, { sid = null }]) => ({ clientId, sid })) };
}
