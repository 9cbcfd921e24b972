import { YOUNG_PASSKEY } from '../accounts/passkey-store.ts';
import type { Holdings } from '../incident/respond.ts';
import { toMilliseconds } from '../lib/duration.ts';
import type { KeptArtifact, SessionAuthorization } from '../oidc/artifact-store.ts';
import type { Stores } from '../store/open.ts';

/** What is refused already, and waits to be removed, is nobody's any more. */
export async function openHoldings({ apiKeys, artifacts, clients, passkeys, clock }: Stores): Promise<Holdings> {
  const hears = new Set(
    (await clients.list()).flatMap(({ id, settings }) => (settings.backchannelLogoutUri ? [id] : [])),
  );

  async function live(kind: 'Session' | 'Grant', { id, notBefore }: { id: string; notBefore: number }) {
    return (await artifacts.listOf(kind, id)).filter(({ bornAt }) => bornAt > notBefore);
  }

  return {
    async of(person) {
      const [sessions, grants] = [await live('Session', person), await live('Grant', person)];
      const told = new Set(sessions.flatMap((one) => Object.keys(authorizationsIn(one))));
      return { sessions: sessions.length, grants: grants.length, told: [...told].filter((id) => hears.has(id)) };
    },
    async at(clientId, person) {
      const sids = (await live('Session', person)).flatMap((one) => {
        const authorization = authorizationsIn(one)[clientId];
        return authorization ? [authorization.sid ?? null] : [];
      });
      const grants = (await live('Grant', person)).filter(({ payload }) => payload['clientId'] === clientId);
      if (sids.length === 0 && grants.length === 0) return null;
      const told = sids.length > 0 && hears.has(clientId) ? [clientId] : [];
      return { sessions: sids.length, grants: grants.length, told, sids };
    },
    async apiKeysOf(clientId) {
      const keys = [...(await apiKeys.list({ clientId })), ...(await apiKeys.list({ apiId: clientId }))];
      return keys.filter(({ revokedAt }) => revokedAt === null).length;
    },
    async youngPasskeysOf({ id }) {
      const since = clock() - toMilliseconds(YOUNG_PASSKEY);
      return (await passkeys.ofAccount(id)).filter(({ createdAt }) => createdAt >= since).length;
    },
  };
}

function authorizationsIn({ payload }: KeptArtifact): Record<string, Partial<SessionAuthorization>> {
  return (payload['authorizations'] ?? {}) as Record<string, Partial<SessionAuthorization>>;
}
