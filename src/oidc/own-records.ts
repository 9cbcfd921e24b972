import type { KnownGrant, KnownSession } from '../account-pages/own-session.ts';
import { mergeConsents } from '../consents/store.ts';
import type { Clock } from '../lib/clock.ts';
import type { Seconds } from '../lib/duration.ts';
import { ACCOUNT_CLIENT } from './account-client.ts';
import type { ArtifactStore, KeptArtifact, Payload } from './artifact-store.ts';
import type { Registry } from './registry.ts';
import { createValidity } from './validity.ts';
import type { Visitor } from './visitor.ts';

export interface OwnRecordsDeps {
  artifacts: ArtifactStore;
  registry: Registry;
  lifetimes: { session: Seconds };
  clock: Clock;
}

/** What the protocol keeps of one account, as its owner would know it again. */
export function createOwnRecords({ artifacts, registry, lifetimes, clock }: OwnRecordsDeps) {
  const { isUsable } = createValidity({ registry, sessionLifetime: lifetimes.session, clock });
  return {
    async sessionsOf(accountId: string): Promise<KnownSession[]> {
      const kept = await artifacts.listOf('Session', accountId);
      const usable = await Promise.all(kept.map(async (one) => ((await isUsable('Session', one)) ? [one] : [])));
      return usable.flat().map(toKnown);
    },
    async grantsOf(accountId: string): Promise<KnownGrant[]> {
      const known = new Map<string, KnownGrant>();
      for (const { payload, bornAt } of await artifacts.listOf('Grant', accountId)) {
        const clientId = String(payload['clientId']);
        // What this server may do for itself is no application's business.
        if (clientId === ACCOUNT_CLIENT) continue;
        const before = known.get(clientId);
        known.set(clientId, {
          clientId,
          since: Math.min(bornAt, before?.since ?? bornAt),
          consent: mergeConsents(before?.consent ?? null, grantedIn(payload)),
        });
      }
      return [...known.values()];
    },
    async applicationName(clientId: string): Promise<string | null> {
      return (await registry.client(clientId))?.name ?? null;
    },
  };
}

function toKnown({ payload, bornAt, seenAt }: KeptArtifact): KnownSession {
  const { browser = null, system = null, address = null } = (payload['visitor'] ?? {}) as Partial<Visitor>;
  return { uid: String(payload['uid']), browser, system, address, signedInAt: bornAt, seenAt };
}

/** As the library keeps it. */
function grantedIn({ openid, resources }: Payload) {
  const { scope = '', claims = [] } = (openid ?? {}) as { scope?: string; claims?: string[] };
  const words = (text: string) => text.split(' ').filter(Boolean);
  const perApi = Object.entries((resources ?? {}) as Record<string, string>);
  return {
    scopes: words(scope),
    claims,
    resources: Object.fromEntries(perApi.map(([api, text]) => [api, words(text)])),
  };
}
