import type { KnownGrant, OwnAccess } from '../account-pages/own-session.ts';
import { mergeConsents } from '../consents/store.ts';
import { createAccess } from './access.ts';
import { ACCOUNT_CLIENT } from './account-client.ts';
import type { ArtifactStore, Payload } from './artifact-store.ts';
import type { Registry } from './registry.ts';
import type { SessionEnds } from './session-ends.ts';

export interface OwnAccessDeps {
  artifacts: ArtifactStore;
  registry: Registry;
  sessionEnds: Pick<SessionEnds, 'endAuthorization'>;
}

export function createOwnAccess({ artifacts, registry, sessionEnds }: OwnAccessDeps): OwnAccess {
  const access = createAccess({ artifacts, sessionEnds });
  return {
    async grantsOf(accountId) {
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
    async application(clientId) {
      const client = await registry.client(clientId);
      if (!client) return null;
      const [redirect = ''] = client.settings.redirectUris;
      return { name: client.name, host: URL.parse(redirect)?.host || null, logoUri: client.settings.logoUri };
    },
    end: (accountId, clientId) => access.end(accountId, clientId),
  };
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
