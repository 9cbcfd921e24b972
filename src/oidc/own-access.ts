import type { OwnAccess } from '../account-pages/own-session.ts';
import { createAccess } from './access.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { createOwnRecords } from './own-records.ts';
import type { Registry } from './registry.ts';
import type { SessionEnds } from './session-ends.ts';

export interface OwnAccessDeps {
  records: Pick<ReturnType<typeof createOwnRecords>, 'grantsOf'>;
  artifacts: ArtifactStore;
  registry: Registry;
  sessionEnds: Pick<SessionEnds, 'endAuthorization'>;
}

export function createOwnAccess({ records, artifacts, registry, sessionEnds }: OwnAccessDeps): OwnAccess {
  const access = createAccess({ artifacts, sessionEnds });
  return {
    grantsOf: records.grantsOf,
    async application(clientId) {
      const client = await registry.client(clientId);
      if (!client) return null;
      const [redirect = ''] = client.settings.redirectUris;
      return { name: client.name, host: URL.parse(redirect)?.host || null, logoUri: client.settings.logoUri };
    },
    end: (accountId, clientId) => access.end(accountId, clientId),
  };
}
